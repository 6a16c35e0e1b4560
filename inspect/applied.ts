/** What the last deployment of a gateway has left in our own directory and outside of it, to see later whether it is still so. */
import { createHmac } from "node:crypto";
import { closeSync, fstatSync, readFileSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../model/spec";
import { lstat, openToRead, readJson } from "./files";

/** One file, or link. */
export interface AppliedFile {
  /** Of its content, or of where it leads; reveals nothing without the host's key. */
  readonly digest: string;
  /** In words: `mode 640, owner 0:993`. */
  readonly access: string;
}

export interface Applied {
  readonly format: 1;
  readonly generation: string;
  readonly config: JsonObject;
  /** By their paths. */
  readonly files: Readonly<Record<string, AppliedFile>>;
}

/** A release as it was when it was whole. */
export interface AppliedRelease {
  readonly directory: string;
  readonly version: string;
  /** ms since 1970. */
  readonly wholeAt: number;
  /** All directories in it: 2,300, which are looked at in 10 ms; with their 40,000 files it would take 15 times as long. */
  readonly directories: readonly string[];
}

export const appliedReleaseFile = (gatewayDir: string): string => join(gatewayDir, "applied-release.json");
export const appliedFile = (gatewayDir: string): string => join(gatewayDir, "applied.json");

/** `undefined`: of a gateway that was deployed before this was written down, or that this user may not see. */
export const readApplied = (gatewayDir: string): Applied | undefined => readAny(appliedFile(gatewayDir));
export const readAppliedRelease = (gatewayDir: string): AppliedRelease | undefined =>
  readAny(appliedReleaseFile(gatewayDir));

function readAny<T>(path: string): T | undefined {
  try {
    return readJson<T>(path);
  } catch {
    return undefined;
  }
}

/** The key of a host's digests. */
export const nonceKeyFile = (manage: string): string => join(manage, "nonce.key");

/** `undefined`: the host has none. */
export const readNonceKey = (manage: string): Buffer | undefined =>
  lstat(nonceKeyFile(manage)) && Buffer.from(readFileSync(nonceKeyFile(manage), "utf8"), "hex");

export const digestWith = (key: Buffer, content: Buffer | string): string =>
  createHmac("sha256", key).update(content).digest("hex").slice(0, 16);

/** A file as it is there now; `undefined`: there is none. */
export function fileAsIs(path: string, key: Buffer): AppliedFile | undefined {
  const stats = lstat(path);
  if (!stats) return undefined;
  const content = stats.isFile() ? contentOf(path) : stats.isSymbolicLink() ? readlinkSync(path) : "";
  return { digest: digestWith(key, content), access: accessOf(stats) };
}

/** More than any file of ours has. */
const MOST_BYTES = 1024 * 1024;

/** Nothing of what an agent has put in the place of a file since: that may never end. */
function contentOf(path: string): Buffer {
  let file: number;
  try {
    file = openToRead(path);
  } catch {
    return Buffer.alloc(0); // it is something else by now
  }
  try {
    const stats = fstatSync(file);
    const buffer = Buffer.alloc(stats.isFile() ? Math.min(stats.size, MOST_BYTES) : 0);
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}

const accessOf = (stats: Stats): string =>
  stats.isSymbolicLink()
    ? `owner ${stats.uid}:${stats.gid}`
    : `mode ${(stats.mode & 0o7777).toString(8)}, owner ${stats.uid}:${stats.gid}`;
