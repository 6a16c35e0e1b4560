/** Files as the host program needs them: written whole or not at all, with exact owner and mode. */
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Identity } from "../inspect/accounts";
import { identify, isNamed, processFileName } from "../inspect/processes";
import { about, attempt } from "./systemError";
import { entries, isMissing, lstat } from "../inspect/files";

/** Who may read what we write: the gateway's account through its group, or only the deploying user. */
export interface Access {
  readonly dirMode: number;
  readonly fileMode: number;
  readonly gid: number;
  /** Owner of files; missing: this user. */
  readonly uid?: number;
}

/** Access for files that the gateway reads and must not change. */
export function readableBy(identity: Identity): Access {
  return identity.demote
    ? { dirMode: 0o750, fileMode: 0o640, gid: identity.gid }
    : { dirMode: 0o700, fileMode: 0o600, gid: identity.gid };
}

/** Access for what nobody but the deploying user may see. */
export const ownOnly = (): Access => ({ dirMode: 0o700, fileMode: 0o600, gid: process.getgid!() });

export function makeDir(path: string, access?: Access): void {
  fs.mkdirSync(path, { recursive: true });
  if (!access) return;
  fs.chownSync(path, process.getuid!(), access.gid);
  fs.chmodSync(path, access.dirMode);
}

let temporaries = 0;

/** Name of a temporary file that will replace a path: beside it, with the process that creates it in its name. */
function temporaryFor(path: string, owner?: number): string {
  sweep(dirname(path), basename(path), owner);
  const name = `.${basename(path)}.${processFileName(identify(process.pid)!)}-${temporaries++}.tmp`;
  return join(dirname(path), name);
}

const TEMPORARY = /^\.(.+)\.(\d+)-(\d+)-\d+\.tmp$/s;
/** Their names before 0.2, with a time that means nothing, or none. */
const FORMER_TEMPORARY = /^(?:\.(\d+)-\d+|(?:current|good)\.(\d+))\.tmp$/;

/**
 * Removes what our killed programs left behind for one target, or in a directory that is ours alone. Others may write
 * beside a target: nothing is removed that is not this user's or the target's owner's, and a directory only if it is empty.
 */
export function sweep(directory: string, target?: string, owner = process.getuid!()): void {
  const owners = [process.getuid!(), owner];
  attempt(() => {
    for (const name of entries(directory)) if (isAbandoned(name, target)) removeOf(owners, join(directory, name));
  });
}

function isAbandoned(name: string, target: string | undefined): boolean {
  const [, of, pid, startTime] = TEMPORARY.exec(name) ?? [];
  if (of !== undefined) return (target ?? of) === of && !isNamed(Number(pid), startTime!);
  const [, writer, linker] = (target === undefined && FORMER_TEMPORARY.exec(name)) || [];
  return (writer ?? linker) !== undefined && !identify(Number(writer ?? linker));
}

function removeOf(owners: readonly number[], path: string): void {
  const stats = lstat(path);
  if (!stats || !owners.includes(stats.uid)) return;
  if (stats.isDirectory()) fs.rmdirSync(path);
  else fs.unlinkSync(path);
}

/** Replaces a file in one step; the content is on disk before the name points at it. */
export function writeFile(path: string, content: string, access?: Access): void {
  const file = readyFile(path, content, access);
  try {
    file.place();
  } finally {
    file.drop();
  }
}

/** Writes a file unless it is there, with this content and access. Whether it was not. */
export function settleFile(path: string, content: string, access?: Access): boolean {
  const { fileMode = 0o644, uid = process.getuid!(), gid } = access ?? {};
  const stats = lstat(path); // of a link, too: a unit that is masked is one
  const isAsWritten =
    stats?.isFile() && (stats.mode & 0o7777) === fileMode && stats.uid === uid && stats.gid === (gid ?? stats.gid);
  if (isAsWritten && fs.readFileSync(path, "utf8") === content) return false;
  writeFile(path, content, access);
  return true;
}

/** A file that is on disk, but not yet in its place. */
export function readyFile(path: string, content: string, access?: Access): Ready {
  const temporary = temporaryFor(path);
  const ready = readyToRename(temporary, path);
  const file = fs.openSync(temporary, "wx", 0o600);
  try {
    fs.writeFileSync(file, content);
    if (access) {
      fs.fchownSync(file, access.uid ?? process.getuid!(), access.gid);
      fs.fchmodSync(file, access.fileMode);
    } else {
      fs.fchmodSync(file, 0o644);
    }
    fs.fsyncSync(file);
  } catch (error) {
    ready.drop();
    throw about(path, error);
  } finally {
    fs.closeSync(file);
  }
  return ready;
}

/** Creates a directory with the right owner from the first moment. */
export function makeDirOf(path: string, { uid, gid }: Identity): void {
  const temporary = temporaryFor(path, uid);
  fs.mkdirSync(temporary, 0o700);
  try {
    // By its handle: whoever may write above it could put something else in its place.
    const directory = fs.openSync(temporary, fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    try {
      fs.fchownSync(directory, uid, gid);
    } finally {
      fs.closeSync(directory);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    attempt(() => fs.rmdirSync(temporary));
    throw about(path, error);
  }
}

export const writeJson = (path: string, value: unknown, access?: Access): void =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`, access);

/** What is on disk, but not yet in its place. */
export interface Ready {
  /** In one step that needs no disk space. */
  place(): void;
  /** If it was not placed. */
  drop(): void;
}

export function readyLink(path: string, target: string): Ready {
  const temporary = temporaryFor(path);
  fs.symlinkSync(target, temporary);
  syncDir(dirname(path));
  return readyToRename(temporary, path);
}

const readyToRename = (temporary: string, path: string): Ready => ({
  place() {
    try {
      fs.renameSync(temporary, path);
    } catch (error) {
      throw about(path, error);
    }
    syncDir(dirname(path));
  },
  drop: () => void attempt(() => fs.rmSync(temporary, { force: true })),
});

/** Puts a file in another one's place in one step; whether there was one. */
export function renameFile(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (isMissing(error)) return false;
    throw about(to, error);
  }
  syncDir(dirname(to));
  return true;
}

/** Points a symbolic link at a target in one step. */
export function setLink(path: string, target: string): void {
  const link = readyLink(path, target);
  try {
    link.place();
  } finally {
    link.drop();
  }
}

export const removeTree = (path: string): void => fs.rmSync(path, { recursive: true, force: true });

function syncDir(path: string): void {
  const dir = fs.openSync(path, "r");
  try {
    fs.fsyncSync(dir);
  } catch (error) {
    throw about(path, error);
  } finally {
    fs.closeSync(dir);
  }
}
