import type { Host } from "../host";
import { processSupervisor } from "./process";
import type { Supervisor } from "./supervisor";

/** The supervisor that fits a host. */
export const supervisorFor = (_host: Host): Supervisor => processSupervisor;
