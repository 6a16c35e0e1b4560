/** What the Docker engine of tests calls its things on this machine. Whatever bears these names goes when it ends. */
import { join } from "node:path";
import { groupsBelow } from "../lab/cgroups";
import { slot } from "../support/slot";

const SLOTS = 10;
if (slot > SLOTS) throw new Error(`there are addresses and ports for ${SLOTS} Docker engines at a time, not ${slot}`);

/** Lock, control groups and bridge, whose name has at most 15 letters. */
export const ENGINE = `claw-docker${slot}`;
/** Disks of containers, so not on /run or /tmp, which may be memory. */
export const RUN_DIRECTORY = `/var/tmp/${ENGINE}`;
export const DATA_DIRECTORY = join(RUN_DIRECTORY, "data");
export const EXEC_DIRECTORY = join(RUN_DIRECTORY, "exec");
export const SOCKET = join(RUN_DIRECTORY, "docker.sock");

/** First two numbers of all addresses of containers; within the lab's guard, so that none leaves this machine. */
export const SUBNET = `10.${241 + slot}`;

export const groups = groupsBelow(ENGINE);
/** The group of the daemon and of all that descends from it; Docker puts containers' limits into groups beside it. */
export const DAEMON = "daemon";

/** The ports of this machine that an engine's containers and their neighbours have. */
const FIRST_PORT = 28800;
const PORTS_EACH = 200;
export const portAt = (offset: number): number => FIRST_PORT + (slot - 1) * PORTS_EACH + offset;
