/** Locks of releases: of real ones, and of those that no registry has, since they lie on their hosts already. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manifestFor, pack } from "../../model/packageLock";
import { packageLockName } from "../../deployer/packageLock";
import type { PackageLockRequest } from "../../model/requests";
import { cacheDirectory } from "../../model/cache";
import { PROJECT } from "./engine";
import { finished, type Outcome } from "./processes";

/** Asks the deployer's program, as a local.Command runs it. */
export function askForLock(request: PackageLockRequest, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const program = join(PROJECT, "dist", "deployer.cjs");
  const child = spawn(process.execPath, [program, "lock"], { stdio: "pipe", env: { ...process.env, ...env } });
  child.stdin.end(JSON.stringify(request));
  return finished(child);
}

/** Of the deployer: what it has found once. */
const locks = (): string => join(cacheDirectory(process.env), "push");

/** OpenClaw has at most some dozens of releases in a month. */
const PLACED = /^openclaw-2026\.9\.1\d\d-/;

const sha = (algorithm: string, text: string) => createHash(algorithm).update(text);

/** A lock of OpenClaw alone. */
export function packageLockOf(version: string): string {
  const openclaw = { version, integrity: `sha512-${sha("sha512", version).digest("base64")}` };
  const root = JSON.parse(manifestFor(version)) as object;
  return pack(JSON.stringify({ lockfileVersion: 3, packages: { "": root, "node_modules/openclaw": openclaw } }));
}

export function placeLock(version: string): void {
  const name = packageLockName({ version });
  const file = join(locks(), name);
  if (!PLACED.test(name)) throw new Error(`${version} may be a release of OpenClaw`);
  mkdirSync(locks(), { recursive: true, mode: 0o700 });
  const packages = packageLockOf(version);
  writeFileSync(file, packages);
  writeFileSync(`${file}.sha256`, sha("sha256", packages).digest("hex"));
}

/** After the last test. */
export function removePlacedLocks(): void {
  for (const name of readdirSync(locks())) if (PLACED.test(name)) rmSync(join(locks(), name));
}
