/** Reading files that may not be there. */
import * as fs from "node:fs";
import { dirname } from "node:path";
import type { JsonObject } from "../model/spec";

/** Parsed JSON, or `undefined` where the file does not exist. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(fs.readFileSync(path, "utf8")) as T;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The same of a file that people may have edited: what they have made no JSON says nothing. */
export function readEdited(path: string): JsonObject | undefined {
  try {
    return readJson<JsonObject>(path);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Opens what others may have put there: not through a link, and not waiting for a pipe. */
export const openToRead = (path: string): number =>
  fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);

/** Target of a symbolic link, or `undefined` where there is none. */
export function readLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch {
    return undefined;
  }
}

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

/** Nothing is there; also true if a parent is a file. */
export const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException)?.code ?? "");

/** The part of a path that exists, in which this user would create the rest. */
export interface Parent {
  readonly parent: string;
  readonly state: "writable" | "closed" | "file";
}

/** As `say_parent` of inspect/look.sh. */
export function parentOf(path: string): Parent {
  let parent = path;
  while (parent !== "/" && !lstat(parent)) parent = dirname(parent);
  try {
    if (!fs.statSync(parent).isDirectory()) return { parent, state: "file" };
    fs.accessSync(parent, fs.constants.W_OK | fs.constants.X_OK);
    return { parent, state: "writable" };
  } catch (error) {
    return { parent, state: isMissing(error) ? "file" : "closed" }; // a link that leads nowhere
  }
}
