import { everyPoint } from "./everyPoint";
import { REST, TRANSACTION } from "./scenarios";

everyPoint("ENOSPC", REST, 24333);
everyPoint("full", TRANSACTION, 24333);
