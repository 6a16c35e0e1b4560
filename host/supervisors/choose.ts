import type { Host } from "../host";
import type { HostLayout, SupervisorKind } from "../../model/hostLayout";
import { processSupervisor } from "./process";
import type { Supervisor } from "./supervisor";
import { systemdSupervisor } from "./systemd";
import { hasSystemd } from "../../inspect/units";

const SUPERVISORS: Record<SupervisorKind, Supervisor> = { process: processSupervisor, systemd: systemdSupervisor };

/** What keeps this host's gateways running. A host that was set up before there was a choice uses `process`. */
export const supervisorFor = ({ layout }: Host): Supervisor => SUPERVISORS[layout.supervisor ?? "process"];

/** The supervisor that a layout means on this machine. */
export const supervisorKind = ({ supervisor }: HostLayout): SupervisorKind =>
  supervisor ?? (hasSystemd() ? "systemd" : "process");
