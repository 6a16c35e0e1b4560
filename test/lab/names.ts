/** What a lab calls its things on this machine. Whatever bears these names is the lab's, and goes when it ends. */
import { join } from "node:path";
import { cacheDirectory } from "../../model/cache";
import { slot } from "../support/slot";

/** Bridge, control groups and, with a number behind it, hosts, their links (15 characters at most) and their directories. */
export const LAB = `claw-lab${slot}`;
/** Holds the disks of hosts, so not on /run or /tmp, which may be memory. */
export const RUN_DIRECTORY = `/var/tmp/${LAB}`;
export const HOSTS_DIRECTORY = join(RUN_DIRECTORY, "hosts");

/** First three numbers of all addresses in the lab. */
export const SUBNET = `10.240.${slot}`;
/** Priorities of the lab's routing rules: this one and the next two. */
export const FIRST_RULE = 10_240 + 3 * slot;

/** Survives runs: root file systems and the registry's archives. */
export const labCache = (): string => join(cacheDirectory(process.env), "lab");

export const isHostName = (name: string): boolean => new RegExp(`^${LAB}-\\d+$`).test(name);
