import { everyPoint } from "./everyPoint";
import { REST, TRANSACTION } from "./scenarios";

everyPoint("EIO", [...TRANSACTION, ...REST], 24360);
