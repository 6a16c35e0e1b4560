/**
 * What a release consists of, to the byte: npm's package-lock.json, decided once for a version and a stack. Every gateway's
 * release is installed from it, so that no registry can give one of them something else. Pure.
 */
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import type { Claim } from "./spec";
import { createHash } from "node:crypto";

/** stdin of `stage-lock`. With the claim, as for secrets. */
export interface PackageLock {
  readonly format: 1;
  readonly version: string;
  /** A package-lock.json compressed by `pack`: it is kept in the stack's state. */
  readonly packages: string;
  readonly claim: Claim;
}

/** A release that somebody wants. */
export interface Wanted {
  readonly version: string;
  /** Id of its lock; absent in commands from before locks existed. */
  readonly lock?: string;
}

/** In bytes; the lock of OpenClaw 2026.9.6 has 140,000. */
const LONGEST = 16 * 1024 * 1024;
export const pack = (text: string): string => brotliCompressSync(text).toString("base64");
export const unpack = (packages: string): string =>
  brotliDecompressSync(Buffer.from(packages, "base64"), { maxOutputLength: LONGEST }).toString("utf8");

/** A package of a package-lock.json. */
interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** By path; empty if it is not a lock. */
export function lockedPackages(packages: string): Readonly<Record<string, LockedPackage>> {
  try {
    return (JSON.parse(unpack(packages)) as { packages?: Record<string, LockedPackage> }).packages ?? {};
  } catch {
    return {};
  }
}

/** Name of a package by its path. */
export const packageName = (path: string): string => path.replace(/^.*node_modules\//, "");
export const openclawIn = (packages: string): LockedPackage | undefined =>
  lockedPackages(packages)["node_modules/openclaw"];

/** Whether a package is for a Linux host. As npm reads these lists: names, or `!` and what it is not for. */
const fits = ({ os, cpu, libc }: LockedPackage, arch: string): boolean =>
  [[os, "linux"] as const, [cpu, arch] as const, [libc, "glibc"] as const].every(
    ([list = [], here]) =>
      !list.includes(`!${here}`) && (list.every((each) => each.startsWith("!")) || list.includes(here)),
  );

/**
 * Paths of the packages that a Linux host must have. npm silently leaves out what is optional and could not be fetched, or
 * did not match the lock (measured, 11.19.1). Without what is bundled: the hash of the archive around it covers that, and a
 * publisher may bundle other versions than npm would choose.
 */
export function neededPackages(packages: string, arch: string): Map<string, LockedPackage> {
  const all = lockedPackages(packages);
  const needed = new Map<string, LockedPackage>();
  const seen = new Set<string>();
  const visit = (from: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = all[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = resolveFrom(all, from, name);
      const found = path === undefined ? undefined : all[path];
      if (path === undefined || !found || seen.has(path) || !fits(found, arch)) continue;
      seen.add(path);
      if (!found.inBundle) needed.set(path, found);
      visit(path);
    }
  };
  visit("");
  return needed;
}

/** As Node.js looks for a package: in each `node_modules` on the way up. */
function resolveFrom(all: Readonly<Record<string, LockedPackage>>, from: string, name: string): string | undefined {
  for (let directory = from; ; directory = directory.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
    const path = directory === "" ? `node_modules/${name}` : `${directory}/node_modules/${name}`;
    if (all[path]) return path;
    if (directory === "") return undefined;
  }
}

/** Tells one lock from another. */
export const packageLockId = (packages: string): string =>
  createHash("sha256").update(packages).digest("hex").slice(0, 16);

/** The package.json that npm needs beside a lock. `plugins`: packages beside OpenClaw, with their versions. */
export const manifestFor = (version: string, plugins: Readonly<Record<string, string>> = {}): string =>
  `${JSON.stringify({ private: true, dependencies: { openclaw: version, ...plugins } })}\n`;

/** The packages of plugins that a lock has beside OpenClaw, with their versions. */
export function lockedPlugins(packages: string): Readonly<Record<string, string>> {
  const { openclaw: _, ...plugins } = lockedPackages(packages)[""]?.dependencies ?? {};
  return plugins;
}

/** File in a release: the id of the lock that it counts for. Absent: it was installed before locks existed. */
export const PACKAGE_LOCK_ID_FILE = ".lock-id";
