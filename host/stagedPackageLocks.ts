/** Locks of releases on a host, and which one an installed release counts for. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../model/failure";
import { makeDir, writeFile, writeJson } from "./files";
import { entries, readJson } from "../inspect/files";
import { packageLockId, PackageLock, PACKAGE_LOCK_ID_FILE, type Wanted } from "../model/packageLock";

const SUFFIX = ".lock.json";
const fileOf = (releases: string, version: string): string => join(releases, `${version}${SUFFIX}`);

/** Keeps a lock for the installation that follows, and for every later one. Returns its id. */
export function stagePackageLock(
  releases: string,
  { version, packages }: Pick<PackageLock, "version" | "packages">,
): string {
  makeDir(releases);
  writeJson(fileOf(releases, version), { packages });
  return packageLockId(packages);
}

/** The packages that a release must have; `undefined` if no lock is given. */
export function stagedPackages(releases: string, { version, lock }: Wanted): string | undefined {
  if (lock === undefined) return undefined;
  const staged = readJson<{ packages: string }>(fileOf(releases, version));
  if (staged && packageLockId(staged.packages) === lock) return staged.packages;
  throw new Failure(
    `the lock of openclaw@${version} that this deployment needs is not on this host; nothing was changed`,
    "send it again: pulumi up --target-replace <URN of the gateway's …-lock> (pulumi stack --show-urns), " +
      "then pulumi up",
  );
}

/** Names of locks that are still needed: of versions in use, and the newest one, which a deployment may be waiting for. */
export function neededPackageLocks(releases: string, versions: readonly string[]): string[] {
  const all = entries(releases).filter((name) => name.endsWith(SUFFIX));
  const age = (name: string): number => statSync(join(releases, name)).mtimeMs;
  return [...versions.map((version) => `${version}${SUFFIX}`), ...all.sort((a, b) => age(a) - age(b)).slice(-1)];
}

function recorded(release: string): string | undefined {
  const record = join(release, PACKAGE_LOCK_ID_FILE);
  return existsSync(record) ? readFileSync(record, "utf8").trim() : undefined;
}

/** A release installed without a lock counts for the first lock that it meets: it keeps running as it is. */
export function recordPackageLock(release: string, { lock }: Wanted): void {
  if (lock !== undefined && existsSync(release) && recorded(release) === undefined)
    writeFile(join(release, PACKAGE_LOCK_ID_FILE), `${lock}\n`);
}

/** Name of a release: a second one if the version is already there with other packages. Also in deployer/push.ts. */
export function releaseName(releases: string, { version, lock }: Wanted): string {
  if (lock === undefined) return version;
  const own = `${version}-${lock}`;
  if (existsSync(join(releases, own))) return own;
  const other = recorded(join(releases, version));
  return other === undefined || other === lock ? version : own;
}
