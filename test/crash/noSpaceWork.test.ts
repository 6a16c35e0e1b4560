import { everyPoint } from "./everyPoint";
import { TRANSACTION } from "./scenarios";

everyPoint("ENOSPC", TRANSACTION, 24222);
