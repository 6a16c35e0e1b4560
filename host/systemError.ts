/** What the machine refuses: a full disk, a broken one, a right that is missing. Said in words, never as a stack. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";
import { Failure, messageOf } from "../model/failure";

/** What Node.js and SQLite say of a call of the operating system that failed. */
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
  EIO: "see what the kernel says about its disk (dmesg)",
  EROFS: "make its file system writable",
  EACCES: "let this user change it",
  EPERM: "let this user change it",
};

/** What the machine refused, as the user's to solve; `undefined` where it was not the machine. */
export function systemFailure(error: unknown): Failure | undefined {
  if (!isSystemError(error)) return undefined;
  const { code, errno = 0, syscall = "", path = "a file", message } = error;
  if (isFull(error)) return fullDisk(path);
  const done = PARTICIPLES[syscall.split(" ")[0]!] ?? "written";
  const reason = getSystemErrorMap().get(errno)?.[1] ?? message;
  const advice = ADVICE[code] ?? "correct that";
  return new Failure(`${path} cannot be ${done}: ${reason}\n    -> ${advice}, and run \`pulumi up\` again`);
}

export const fullDisk = (path: string): Failure =>
  new Failure(`the disk is full: ${path}${freeOn(path)}\n    -> make room on it and run \`pulumi up\` again`);

function freeOn(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return ` (${Math.floor((bavail * bsize) / 1e6)} MB free)`;
  } catch {
    return "";
  }
}

/** Says which file an error of a call on an open one is about. */
export const about = (path: string, error: unknown): unknown =>
  isSystemError(error) ? Object.assign(error, { path }) : error;

/** What was thrown, as it is printed: a stack only where the mistake is ours. */
export function told(error: unknown): string {
  const failure = error instanceof Failure ? error : systemFailure(error);
  return failure?.message ?? (error as Error).stack ?? messageOf(error);
}

/** Does what nothing depends on; where the machine refuses it, something else. */
export function attempt<T>(action: () => T, otherwise?: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!systemFailure(error)) throw error;
    return otherwise?.();
  }
}
