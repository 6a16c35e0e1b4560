/**
 * What a release consists of, to the byte: npm's package-lock.json. The deployer makes it once for a version and a stack,
 * and every gateway's release is installed from it, so that no registry can give one of them something else.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import type { Claim } from "./spec";
import { makeDir, readJson, writeFile, writeJson } from "./files";

/** stdin of `stage-lock`. With the claim, as secrets have it. */
export interface PackageLock {
  readonly format: 1;
  readonly version: string;
  /** A package-lock.json as `pack` makes it short: it stands in the stack's state. */
  readonly packages: string;
  readonly claim: Claim;
}

/** Bytes; the lock of OpenClaw 2026.9.6 has 140 thousand. */
const LONGEST = 16 * 1024 * 1024;

export const pack = (text: string): string => brotliCompressSync(text).toString("base64");

export function unpack(packages: string): string {
  return brotliDecompressSync(Buffer.from(packages, "base64"), { maxOutputLength: LONGEST }).toString("utf8");
}

/** Tells it from another; the components give it to `apply`, which so runs again where the lock is another. */
export const lockId = (packages: string): string => createHash("sha256").update(packages).digest("hex").slice(0, 16);

/** What npm wants beside a lock. */
export const manifestFor = (version: string): string =>
  `${JSON.stringify({ private: true, dependencies: { openclaw: version } })}\n`;

export const stagedLock = (version: string): string => `${version}.lock.json`;

/** Keeps a lock for the installation that follows, and for every later one. Returns its id. */
export function stageLock(releases: string, { version, packages }: Pick<PackageLock, "version" | "packages">): string {
  makeDir(releases);
  writeJson(join(releases, stagedLock(version)), { packages });
  return lockId(packages);
}

/** The lock of a version. Missing: its gateway was deployed before there were any. */
export function readLock(releases: string, version: string): Pick<PackageLock, "packages"> | undefined {
  return readJson(join(releases, stagedLock(version)));
}

/** In a release: the id of the lock that it was installed from. Missing: it was installed without. */
const RECORD = ".lock-id";

export const recordLock = (release: string, packages: string): void =>
  writeFile(join(release, RECORD), `${lockId(packages)}\n`);

/** Name of a version's release: a second one where the version is there with other packages. */
export function releaseName(releases: string, version: string): string {
  const lock = readLock(releases, version);
  if (!lock) return version;
  const id = lockId(lock.packages);
  const own = `${version}-${id}`;
  if (existsSync(join(releases, own))) return own;
  const record = join(releases, version, RECORD);
  return existsSync(record) && readFileSync(record, "utf8").trim() !== id ? own : version;
}
