/** Decides, once for a version and a stack, which packages its releases consist of. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../model/failure";
import { manifestFor, openclawIn, packageName, lockedPlugins, lockedPackages, pack } from "../model/packageLock";
import { PACKAGE_LOCK_FILE, INSTALL_FLAGS } from "../model/npm";
import { fingerprint } from "../model/cache";
import { cached, npmCommand, say, unpackedNpm } from "./archives";
import type { PackageLockRequest } from "../model/requests";

/** Without one registry's addresses, since hosts may reach another; independent of this user's npm settings. */
const PACKAGE_LOCK_FLAGS = [
  "--package-lock-only",
  "--omit-lockfile-registry-resolved",
  "--lockfile-version=3",
  "--save",
];

/** Stacks deployed soon after each other agree without asking again; later, locking again is intended. */
const KEPT_MS = 60 * 60_000;

/** Packed, as the stack's state keeps it. */
export async function lockPackages(request: PackageLockRequest): Promise<string> {
  const name = packageLockName(request);
  const isFresh = (file: string): boolean =>
    Date.now() - statSync(file).mtimeMs < KEPT_MS && isRight(readFileSync(file, "utf8"), request);
  const { file } = await cached(name, (directory) => makePackageLock(request, directory, name), isFresh);
  return readFileSync(file, "utf8");
}

/** In the deployer's cache. */
export const packageLockName = ({ version, plugins, registry = "" }: PackageLockRequest): string =>
  `openclaw-${version}-${fingerprint([registry, ...(plugins ? [JSON.stringify(plugins)] : [])])}.lock`;

async function makePackageLock(request: PackageLockRequest, directory: string, name: string): Promise<void> {
  const { version, plugins, integrity, registry } = request;
  const what = [`openclaw@${version}`, ...Object.entries(plugins ?? {}).map(([plugin, exact]) => `${plugin}@${exact}`)];
  const release = join(directory, "release");
  mkdirSync(release);
  writeFileSync(join(release, "package.json"), manifestFor(version, plugins));
  const npm = await unpackedNpm(directory, registry);
  say(`locking the packages of ${what.join(" and ")}`);
  // Twice: the first lock misses what packages that a plugin bundles depend on, and `npm ci` refuses it (measured, 11.19.1).
  for (let rounds = plugins ? 2 : 1; rounds > 0; rounds--)
    await npmCommand({
      what: `find ${what.join(" and ")}`,
      command: process.execPath,
      args: [npm, "install", "--prefix", release, ...INSTALL_FLAGS, ...PACKAGE_LOCK_FLAGS],
      cwd: release,
      registry,
    });
  const packages = pack(readFileSync(join(release, PACKAGE_LOCK_FILE), "utf8"));
  requireHashes(packages, version);
  if (!isRight(packages, request))
    throw new Failure(
      `openclaw@${version} from the npm registry does not match \`integrity\`: it is ${openclawIn(packages)?.integrity}, not ${integrity}`,
      "do not use this registry, and tell its operator; or set `integrity` to what a registry that you trust shows: " +
        `npm view openclaw@${version} dist.integrity`,
    );
  writeFileSync(join(directory, name), packages);
}

function isRight(packages: string, { version, integrity }: PackageLockRequest): boolean {
  const openclaw = openclawIn(packages);
  return openclaw?.version === version && (integrity === undefined || openclaw.integrity === integrity);
}

/** Exactly one hash. */
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** What OpenClaw or a plugin bundles is in its own archive, covered by its hash. Bundles of other packages npm may fetch again. */
const bundlesOf = (packages: string): string[] =>
  ["openclaw", ...Object.keys(lockedPlugins(packages))].map((name) => `node_modules/${name}/`);

/** A package without a hash that npm checks could be something else tomorrow. */
function requireHashes(packages: string, version: string): void {
  const bundles = bundlesOf(packages);
  const loose = Object.entries(lockedPackages(packages)).flatMap(([path, { integrity, inBundle }]) =>
    path === "" || (inBundle && bundles.some((bundle) => path.startsWith(bundle))) || SHA512.test(integrity ?? "")
      ? []
      : packageName(path),
  );
  if (loose.length)
    throw new Failure(
      `openclaw@${version} needs packages that have no sha512: ${loose.join(", ")}`,
      "use another `version`, or a registry that provides the sha512 of its packages",
    );
}
