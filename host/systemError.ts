/** What the machine refuses: a full or broken disk, a missing permission. In words, never as a stack trace. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";
import { Failure, messageOf } from "../model/failure";

/** What Node.js and SQLite say about a failed system call. */
interface SystemError {
  readonly code: string;
  readonly message: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  /** SQLite's own number. */
  readonly errcode?: number;
}

function isSystemError(error: unknown): error is SystemError {
  const { code, errno, errcode } = (error ?? {}) as Partial<SystemError>;
  return typeof code === "string" && (typeof errno === "number" || typeof errcode === "number");
}

const SQLITE_FULL = 13;
const isFull = ({ code, errcode }: SystemError): boolean =>
  ["ENOSPC", "EDQUOT"].includes(code) || errcode === SQLITE_FULL;

/** By system call; any other writes. */
const PARTICIPLES: Readonly<Record<string, string>> = {
  open: "opened",
  read: "read",
  scandir: "read",
  readlink: "read",
  stat: "read",
  lstat: "read",
  spawn: "started",
};
const ADVICE: Readonly<Record<string, string>> = {
  EIO: "check what the kernel says about its disk (dmesg)",
  EROFS: "make its file system writable",
  EACCES: "let this user change it (ls -ld shows whose it is)",
  EPERM: "let this user change it (lsattr shows whether it is locked)",
};

/** An error of the machine, as one for the user to solve; `undefined` if it is another error. */
export function systemFailure(error: unknown): Failure | undefined {
  if (!isSystemError(error)) return undefined;
  const { code, errno = 0, syscall = "", path = "a file", message } = error;
  if (isFull(error)) return fullDisk(path);
  const done = PARTICIPLES[syscall.split(" ")[0]!] ?? "written";
  const reason = getSystemErrorMap().get(errno)?.[1] ?? message;
  const advice = ADVICE[code] ?? `look at what is there (ls -ld ${path}) and what the kernel says (dmesg)`;
  return new Failure(`${path} cannot be ${done}: ${reason}`, `${advice}, and run \`pulumi up\` again`);
}

export const fullDisk = (path: string): Failure =>
  new Failure(`the disk is full: ${path}${freeOn(path)}`, "free up space on it and run `pulumi up` again");

function freeOn(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return ` (${Math.floor((bavail * bsize) / 1e6)} MB free)`;
  } catch {
    return "";
  }
}

/** Adds the path to an error from a call on an open file. */
export const about = (path: string, error: unknown): unknown =>
  isSystemError(error) ? Object.assign(error, { path }) : error;

/** What was thrown, as text to print: with a stack trace only if the mistake is ours. */
export function told(error: unknown): string {
  const failure = error instanceof Failure ? error : systemFailure(error);
  return failure?.message ?? (error as Error).stack ?? messageOf(error);
}

/** Does something that nothing depends on; if the machine refuses it, does something else. */
export function attempt<T>(action: () => T, otherwise?: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!systemFailure(error)) throw error;
    return otherwise?.();
  }
}
