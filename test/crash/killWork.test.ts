import { everyPoint } from "./everyPoint";
import { TRANSACTION } from "./scenarios";

everyPoint("kill", TRANSACTION, 24000);
