import { everyPoint } from "./everyPoint";
import { REST } from "./scenarios";

everyPoint("EIO", REST, 24555);
