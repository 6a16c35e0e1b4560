/** What the Docker engine of tests calls its things on this machine. Whatever bears these names goes when it ends. */
import { join } from "node:path";
import { groupsBelow } from "../lab/cgroups";

/** Lock, control groups and bridge; as long as a link's name may be. */
export const ENGINE = "openclaw-docker";
/** Disks of containers, so not on /run or /tmp, which may be memory. */
export const RUN_DIRECTORY = `/var/tmp/${ENGINE}`;
export const DATA_DIRECTORY = join(RUN_DIRECTORY, "data");
export const EXEC_DIRECTORY = join(RUN_DIRECTORY, "exec");
export const SOCKET = join(RUN_DIRECTORY, "docker.sock");

/** First two numbers of all addresses of containers; within the lab's guard, so that none leaves this machine. */
export const SUBNET = "10.241";

export const groups = groupsBelow(ENGINE);
/** The group of the daemon and of all that descends from it; Docker puts containers' limits into groups beside it. */
export const DAEMON = "daemon";
