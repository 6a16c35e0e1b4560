/** The mark in a state directory that says whose it is. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { lstat, writeJson } from "../host/files";
import { MARK_FILE } from "../model/hostLayout";
import type { Owner } from "../model/spec";

/** What a state directory says about its owner. */
export interface Mark {
  readonly owner: Owner;
  /** Set by destroy: the data is kept, the gateway is gone. */
  readonly released: boolean;
}

/** The mark of a state directory. It lies where the gateway's agent can write, so nothing about it is trusted. */
export function readMark(path: string): Mark | undefined {
  try {
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
      return fs.fstatSync(file).isFile() ? (JSON.parse(fs.readFileSync(file, "utf8")) as Mark) : undefined;
    } finally {
      fs.closeSync(file);
    }
  } catch {
    return undefined;
  }
}

export function writeMark(stateDir: string, mark: Mark): void {
  const path = join(stateDir, MARK_FILE);
  // A directory in its place would stay. It is moved and not removed: below it the agent may put other paths in the way.
  if (lstat(path)?.isDirectory()) fs.renameSync(path, `${path}.${randomBytes(6).toString("hex")}.moved`);
  writeJson(path, mark);
}
