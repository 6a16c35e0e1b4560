/** Decides, once for a version and a stack, which packages its releases consist of. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../host/failure";
import { manifestFor, pack, unpack } from "../host/packageLock";
import { INSTALL_FLAGS } from "../host/release";
import { cached, npmCommand, say, unpackedNpm } from "./archives";
import type { LockRequest } from "./request";

/** Without the addresses of one registry: hosts may reach another. */
const LOCK_FLAGS = ["--package-lock-only", "--omit-lockfile-registry-resolved"];

/** Packed, as the stack's state keeps it. */
export async function lockRelease(request: LockRequest): Promise<string> {
  const { version, integrity } = request;
  const name = `openclaw-${version}.lock`;
  for (let isRepeated = false; ; isRepeated = true) {
    const { file } = await cached(name, (directory) => makeLock(request, directory, name));
    const packages = readFileSync(file, "utf8");
    const found = lockedPackages(packages)["node_modules/openclaw"]?.integrity;
    if (integrity === undefined || found === integrity) return packages;
    rmSync(file); // what a registry has given before
    if (isRepeated)
      throw new Failure(
        `openclaw@${version} from the npm registry is not the package that it has to be: it has the integrity ${found}, not ${integrity}\n` +
          "    -> do not use this registry; tell its operator. Where `integrity` names it, compare: " +
          `npm view openclaw@${version} dist.integrity`,
      );
  }
}

async function makeLock({ version, registry }: LockRequest, directory: string, name: string): Promise<void> {
  const release = join(directory, "release");
  mkdirSync(release);
  writeFileSync(join(release, "package.json"), manifestFor(version));
  const npm = await unpackedNpm(directory, registry);
  say(`locking the packages of openclaw@${version}`);
  await npmCommand(
    `find openclaw@${version}`,
    process.execPath,
    [npm, "install", "--prefix", release, ...INSTALL_FLAGS, ...LOCK_FLAGS],
    release,
    registry,
  );
  const packages = pack(readFileSync(join(release, "package-lock.json"), "utf8"));
  requireHashes(packages, version);
  writeFileSync(join(directory, name), packages);
}

interface LockedPackage {
  readonly integrity?: string;
  readonly inBundle?: boolean;
}

const lockedPackages = (packages: string): Record<string, LockedPackage> =>
  (JSON.parse(unpack(packages)) as { packages?: Record<string, LockedPackage> }).packages ?? {};

/** What has no hash that npm checks could be something else tomorrow. */
function requireHashes(packages: string, version: string): void {
  const loose = Object.entries(lockedPackages(packages)).flatMap(([path, { integrity, inBundle }]) =>
    path === "" || inBundle || integrity?.startsWith("sha512-") ? [] : path.replace(/^.*node_modules\//, ""),
  );
  if (loose.length)
    throw new Failure(
      `openclaw@${version} needs packages that come without a sha512: ${loose.join(", ")}\n` +
        "    -> use another `version`, or a registry that gives the sha512 of its packages",
    );
}
