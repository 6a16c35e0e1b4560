import { everyPoint } from "./everyPoint";
import { REST } from "./scenarios";

everyPoint("kill", REST, 24111);
