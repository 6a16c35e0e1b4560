/** What the lab calls its things on this machine. Whatever bears these names is the lab's, and goes when it ends. */
import { join } from "node:path";
import { cacheDirectory } from "../../toolchain/cache";

/** Bridge, control groups and, with a number behind it, hosts, their links and their directories. */
export const LAB = "openclaw-lab";
/** Holds the disks of hosts, so not on /run or /tmp, which may be memory. */
export const RUN_DIRECTORY = `/var/tmp/${LAB}`;
export const HOSTS_DIRECTORY = join(RUN_DIRECTORY, "hosts");

/** First three numbers of all addresses in the lab. */
export const SUBNET = "10.240.0";
/** Priorities of the lab's routing rules: this one and the next two. */
export const FIRST_RULE = 10240;

/** Survives runs: root file systems and the registry's archives. */
export const labCache = (): string => join(cacheDirectory(process.env), "lab");

export const isHostName = (name: string): boolean => new RegExp(`^${LAB}-\\d+$`).test(name);
