/** Decides, once for a version and a stack, which packages its releases consist of. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../model/failure";
import { manifestFor, openclawIn, packageName, lockedPackages, pack } from "../model/packageLock";
import { LOCK_FILE, INSTALL_FLAGS } from "../model/npm";
import { fingerprint } from "../model/cache";
import { cached, npmCommand, say, unpackedNpm } from "./archives";
import type { LockRequest } from "../model/requests";

/** Without the addresses of one registry, since hosts may reach another, and whatever this user's npm is set to. */
const LOCK_FLAGS = ["--package-lock-only", "--omit-lockfile-registry-resolved", "--lockfile-version=3", "--save"];

/** Stacks that are deployed soon after each other agree without asking again; later, whoever locks anew means it. */
const KEPT_MS = 60 * 60_000;

/** Packed, as the stack's state keeps it. */
export async function lockRelease(request: LockRequest): Promise<string> {
  const name = lockName(request);
  const isFresh = (file: string): boolean =>
    Date.now() - statSync(file).mtimeMs < KEPT_MS && isRight(readFileSync(file, "utf8"), request);
  const { file } = await cached(name, (directory) => makeLock(request, directory, name), isFresh);
  return readFileSync(file, "utf8");
}

/** In the deployer's cache. */
export const lockName = ({ version, registry = "" }: LockRequest): string =>
  `openclaw-${version}-${fingerprint([registry])}.lock`;

async function makeLock(request: LockRequest, directory: string, name: string): Promise<void> {
  const { version, integrity, registry } = request;
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
  const packages = pack(readFileSync(join(release, LOCK_FILE), "utf8"));
  requireHashes(packages, version);
  if (!isRight(packages, request))
    throw new Failure(
      `openclaw@${version} from the npm registry is not the package that \`integrity\` names: it is ${openclawIn(packages)?.integrity}, and not ${integrity}\n` +
        "    -> do not use this registry; tell its operator. Or correct `integrity`: " +
        `npm view openclaw@${version} dist.integrity`,
    );
  writeFileSync(join(directory, name), packages);
}

function isRight(packages: string, { version, integrity }: LockRequest): boolean {
  const openclaw = openclawIn(packages);
  return openclaw?.version === version && (integrity === undefined || openclaw.integrity === integrity);
}

/** One, and no other beside it. */
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** What OpenClaw brings itself is in its own archive, and so under its hash. A bundle of others npm may fetch anew. */
const BUNDLED = "node_modules/openclaw/";

/** What has no hash that npm checks could be something else tomorrow. */
function requireHashes(packages: string, version: string): void {
  const loose = Object.entries(lockedPackages(packages)).flatMap(([path, { integrity, inBundle }]) =>
    path === "" || (inBundle && path.startsWith(BUNDLED)) || SHA512.test(integrity ?? "") ? [] : packageName(path),
  );
  if (loose.length)
    throw new Failure(
      `openclaw@${version} needs packages that come without a sha512: ${loose.join(", ")}\n` +
        "    -> use another `version`, or a registry that gives the sha512 of its packages",
    );
}
