import { everyPoint } from "./everyPoint";
import { TRANSACTION } from "./scenarios";

everyPoint("EIO", TRANSACTION, 24444);
