/** The stand-in for OpenClaw (program.ts) as a release: beside what really installs one, and what it is to do wrong. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { pushedRelease } from "../../model/hostLayout";
import { unpack } from "../../model/packageLock";

export interface Behaviour {
  readonly version: string;
  readonly bootMilliseconds?: number;
  /** Printed at its start, with the token of the gateway behind it. */
  readonly prints?: string;
  /** Exit code, at once. */
  readonly endsWith?: number;
  /** Ends with code 1 this long after it listens. */
  readonly endsAfterMilliseconds?: number;
  /** The version that it says it is. */
  readonly claims?: string;
  /** Closes its port when it is told to end, and never ends. */
  readonly hangs?: true;
  /** Schema version of its database: an older one is migrated at its start, a newer one refused. */
  readonly schema?: number;
  /** Dies where it runs as the gateway itself, after it has migrated: not on a copy. */
  readonly diesMigrated?: true;
  /** On a copy of the state it does nothing wrong. */
  readonly isFineOnCopy?: true;
  /** What it makes of a configuration that is changed while it runs, instead of taking it. */
  readonly onChange?: "ignores" | "takes silently" | "ends";
}

/** The program's files by name, as they stand in `node_modules/openclaw` of a release; its entry may be called otherwise. */
export function standInFiles(behaviour: Behaviour, entry = "openclaw.mjs"): Record<string, string> {
  const source = readFileSync(join(__dirname, "program.ts"), "utf8");
  return {
    [entry]: transformSync(source, { loader: "ts", format: "esm", target: "node24" }).code,
    "stand-in.json": JSON.stringify(behaviour),
  };
}

/** Where a release of a gateway lies below a root. */
export const releaseDirectory = (root: string, id: string, version: string): string =>
  join(root, ".pulumi-openclaw/gateways", id, "releases", version, "node_modules/openclaw");

/** Puts the stand-in in the place of a release, as if it had been installed. */
export function placeStandIn(root: string, id: string, behaviour: Behaviour): void {
  const directory = releaseDirectory(root, id, behaviour.version);
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(standInFiles(behaviour))) writeFileSync(join(directory, name), content);
}

/** Puts it where the deployer sends a release to, with a script to complete it, and its lock where it has one. */
export function sendStandIn(root: string, id: string, version: string, postinstall: string, packages?: string): void {
  const sent = join(root, "sent");
  const directory = join(sent, "node_modules/openclaw");
  mkdirSync(directory, { recursive: true });
  const files = { ...standInFiles({ version }), "package.json": JSON.stringify({ version, scripts: { postinstall } }) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const archive = pushedRelease(join(releaseDirectory(root, id, version), "../../.."), version);
  if (packages !== undefined) writeFileSync(join(sent, "package-lock.json"), unpack(packages));
  execFileSync("tar", ["-czf", archive, "-C", sent, "."]);
  rmSync(sent, { recursive: true });
}
