import { everyPoint } from "./everyPoint";
import { REST, TRANSACTION } from "./scenarios";

everyPoint("ENOSPC", [...TRANSACTION, ...REST], 24240);
