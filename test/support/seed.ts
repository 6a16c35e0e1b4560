/**
 * Node.js, npm and one OpenClaw release, fetched once for each machine, so that not every test waits for the registry.
 * The gateway of a plain user takes nothing from here: it is the real path.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { NEWEST_VERSION } from "../../model/versions";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { placeStandIn } from "../standIn/release";
import { isSoak } from "./soak";

export const VERSION = NEWEST_VERSION;

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "pulumi-openclaw");
const seed = join(cache, `test-seed-${VERSION}`);
const manage = join(seed, ".pulumi-openclaw");
const release = join(seed, "release");

export const seedNode = join(manage, "host-node");
export const seedRelease = release;
export const seedCompiled = join(seed, "compiled");

/** Fetches the seed where it is missing. */
export function ensureSeed(): void {
  if (existsSync(seed)) return;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, ".test-seed-"));
  const root = join(staging, "root");
  mkdirSync(root);
  const target = join(root, ".pulumi-openclaw");
  const { script } = renderBootstrap({ root, binDir: join(root, "bin"), account: null });
  execFileSync("sh", ["-s", "--", target], { input: script, stdio: ["pipe", "ignore", "inherit"] });
  const node = execFileSync("sh", ["-c", `echo ${target}/nodes/*/bin/node`], { encoding: "utf8" }).trim();
  execFileSync("ln", ["-s", node.slice(target.length + 1), join(target, "host-node")]);
  install(join(root, "release"), VERSION, { node, npm: join(target, "npm") });
  renameSync(root, seed);
  rmSync(staging, { recursive: true });
}

function install(prefix: string, version: string, { node, npm }: { node: string; npm: string }): void {
  mkdirSync(prefix);
  writeFileSync(join(prefix, "package.json"), "{}\n");
  const env = { ...process.env, PATH: `${join(node, "..")}:${process.env.PATH}` };
  const run = (cwd: string, args: string[]) =>
    execFileSync(node, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  run(prefix, [join(npm, "bin", "npm-cli.js"), "install", ...flags, `openclaw@${version}`]);
  run(join(prefix, "node_modules", "openclaw"), ["scripts/postinstall-bundled-plugins.mjs"]);
  execFileSync("chmod", ["-R", "go-w", prefix]);
}

/** Another release, for what a change of the version needs. Returns its directory. */
export function olderRelease(version: string): string {
  const place = join(cache, `test-release-${version}`);
  if (existsSync(place)) return place;
  const staging = mkdtempSync(join(cache, ".test-release-"));
  install(join(staging, "release"), version, { node: realpathSync(seedNode), npm: join(manage, "npm") });
  renameSync(join(staging, "release"), place);
  rmSync(staging, { recursive: true });
  return place;
}

/** Puts Node.js and npm of the seed below a root, as if its bootstrap had fetched them. */
export function seedTools(root: string): void {
  const target = join(root, ".pulumi-openclaw");
  mkdirSync(target, { recursive: true });
  for (const name of ["nodes", "npms"]) copy(join(manage, name), join(target, name));
}

/** Puts a release below a gateway, as if it had been installed. */
export function seedGateway(root: string, id: string, version = VERSION): void {
  const releases = join(root, ".pulumi-openclaw", "gateways", id, "releases");
  mkdirSync(releases, { recursive: true });
  copy(version === VERSION ? release : olderRelease(version), join(releases, version));
}

/** Puts what rows need that are about us below a gateway: the stand-in. */
export function placeRelease(root: string, id: string): void {
  if (isSoak) seedGateway(root, id);
  else placeStandIn(root, id, { version: VERSION });
}

/** Hard links where they can be made: nothing here is ever written to again. */
export function copy(from: string, to: string): void {
  try {
    execFileSync("cp", ["-al", from, to], { stdio: "ignore" });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync("cp", ["-a", from, to]);
  }
}
