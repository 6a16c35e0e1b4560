/** Processes by identity, not by pid alone: a pid can be reused, a pid with its start time cannot. Linux. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { isWithin } from "../model/hostLayout";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and the process's start. */
  readonly startTime: string;
  readonly boot: string;
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly startTime: string;
}

export function stat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name is in parentheses and may contain anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0]!, parent: Number(fields[1]), startTime: fields[19]! };
  } catch {
    return undefined;
  }
}

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export function identify(pid: number): ProcessIdentity | undefined {
  const found = stat(pid);
  return found && { pid, startTime: found.startTime, boot: bootId() };
}

/** A process as part of a file name: says how long the file belongs to it. */
export const processFileName = ({ pid, startTime }: ProcessIdentity): string => `${pid}-${startTime}`;

/** Whether the process in such a name is still there. */
export function isNamed(pid: number, startTime: string): boolean {
  return isAlive({ pid, startTime, boot: bootId() });
}

export function isAlive(identity: ProcessIdentity | undefined): identity is ProcessIdentity {
  if (!identity) return false;
  const found = stat(identity.pid);
  return !!found && found.state !== "Z" && found.startTime === identity.startTime && bootId() === identity.boot;
}

const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Users that have a process. */
export const ownersOfProcesses = (): number[] =>
  pids()
    .filter((pid) => stat(pid)?.state !== "Z")
    .flatMap((pid) => ownerOf(pid) ?? []);

export function processesOf(uid: number, isWanted: (pid: number) => boolean = () => true): ProcessIdentity[] {
  return pids()
    .filter((pid) => pid !== process.pid && ownerOf(pid) === uid && isWanted(pid))
    .flatMap((pid) => identify(pid) ?? [])
    .filter(isAlive);
}

/** Processes of a user that carry an exact `NAME=value` in the environment they were started with. */
export const carrying = (variable: string, uid: number): ProcessIdentity[] =>
  processesOf(uid, (pid) => carries(pid, variable));

/** A process of this user whose command line ends with these words. */
export function findProcess(...ending: string[]): ProcessIdentity | undefined {
  const text = `\0${ending.join("\0")}\0`;
  const pid = pids().find((each) => ownerOf(each) === process.getuid!() && commandLineOf(each).endsWith(text));
  return pid === undefined ? undefined : identify(pid);
}

const commandLineOf = (pid: number): string => orElse(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "");

/** Whether a process was started with an exact `NAME=value` in its environment. */
export function carries(pid: number, variable: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(variable);
  } catch {
    return false; // it ended, or is not ours to read
  }
}

export const ownerOf = (pid: number): number | undefined => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;

/** Whether a process is the other one or descends from it. */
export function descendsFrom(pid: number, ancestor: number): boolean {
  for (let each = pid; each > 1; each = stat(each)?.parent ?? 0) if (each === ancestor) return true;
  return false;
}

/** Whether a process's working directory is the one that has this path now. */
export function isAt(pid: number, path: string): boolean {
  const [there, here] = [`/proc/${pid}/cwd`, path].map((each) => statSync(each, { throwIfNoEntry: false }));
  return !!there && there.ino === here?.ino && there.dev === here.dev;
}

/** The files that a process has open; none if it has ended, or is not ours to look into. */
export function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return orElse(() => readdirSync(directory), []).map((name) => orElse(() => readlinkSync(`${directory}/${name}`), ""));
}

/** Reads from a process that may end at any moment. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

const DELETED = ".sqlite (deleted)";

/** Whether a process has a deleted database below a directory open: what is written to it is lost. */
export const hasLostDatabase = (pid: number, directory: string): boolean =>
  openFiles(pid).some((path) => path.endsWith(DELETED) && isWithin(path, directory));
