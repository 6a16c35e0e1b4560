/** Files as the host program needs them: written whole or not at all, with exact owner and mode. */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { Identity } from "./account";

/** Who may read what we write: the gateway's account through its group, or only the deploying user. */
export interface Access {
  readonly dirMode: number;
  readonly fileMode: number;
  readonly gid: number;
}

/** Access for files that the gateway reads and must not change. */
export function readableBy(identity: Identity): Access {
  return identity.demote
    ? { dirMode: 0o750, fileMode: 0o640, gid: identity.gid }
    : { dirMode: 0o700, fileMode: 0o600, gid: identity.gid };
}

export function makeDir(path: string, access?: Access): void {
  fs.mkdirSync(path, { recursive: true });
  if (!access) return;
  fs.chownSync(path, process.getuid!(), access.gid);
  fs.chmodSync(path, access.dirMode);
}

/** Replaces a file in one step; the content is on disk before the name points at it. */
export function writeFile(path: string, content: string, access?: Access): void {
  const temporary = join(dirname(path), `.${process.pid}-${Date.now()}.tmp`);
  const file = fs.openSync(temporary, "wx", 0o600);
  try {
    fs.writeFileSync(file, content);
    if (access) {
      fs.fchownSync(file, process.getuid!(), access.gid);
      fs.fchmodSync(file, access.fileMode);
    } else {
      fs.fchmodSync(file, 0o644);
    }
    fs.fsyncSync(file);
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(file);
  }
  syncDir(dirname(path));
}

export const writeJson = (path: string, value: unknown, access?: Access): void =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`, access);

/** Parsed JSON, or `undefined` where the file does not exist. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(fs.readFileSync(path, "utf8")) as T;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Points a symbolic link at a target in one step. */
export function setLink(path: string, target: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(target, temporary);
  fs.renameSync(temporary, path);
  syncDir(dirname(path));
}

/** Target of a symbolic link, or `undefined` where there is none. */
export function readLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch {
    return undefined;
  }
}

export const removeTree = (path: string): void => fs.rmSync(path, { recursive: true, force: true });

/** Entries of a directory; none where it does not exist. */
export function entries(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function lstat(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Nothing is there, also where something above it is a file. */
export const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException)?.code ?? "");

function syncDir(path: string): void {
  const dir = fs.openSync(path, "r");
  try {
    fs.fsyncSync(dir);
  } finally {
    fs.closeSync(dir);
  }
}
