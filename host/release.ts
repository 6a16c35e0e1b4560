/** Releases: one OpenClaw version, installed whole into the gateway's own prefix. */
import * as fs from "node:fs";
import { join, relative } from "node:path";
import { nobodyElse } from "./account";
import { Failure } from "../model/failure";
import { makeDir, removeTree } from "./files";
import { entries, readJson } from "../inspect/files";
import type { HostGateway } from "./host";
import {
  CHANGED_PACKAGE,
  installArguments,
  isChangedPackage,
  PACKAGE_LOCK_FILE,
  workerEnvironment,
  manifestFiles,
} from "../model/npm";
import { npmrcFile, pushedRelease } from "../model/hostLayout";
import { neededPackageLocks, recordPackageLock, releaseName, stagedPackages } from "./stagedPackageLocks";
import { unpack, type Wanted } from "../model/packageLock";
import { endOf } from "./endProcesses";
import { run } from "../inspect/run";
import { runAs } from "./runAs";
import { placePlugins } from "./plugins";
import { requireComplete } from "../inspect/release";
import { groupIdsOf, type Identity } from "../inspect/accounts";
import { groupsOnWayTo } from "../inspect/trusted";

const INSTALL_MINUTES = 15;
const INSTALL_TIMEOUT_MS = INSTALL_MINUTES * 60_000;
const STAGING_PREFIX = ".staging-";
const FORMER_PREFIX = ".former-";
/** The program to run in an installed release. */
export const releaseEntry = (release: string): string => join(release, "node_modules", "openclaw", "openclaw.mjs");

/** Where a release is, or will be. */
export const releaseDir = ({ paths }: HostGateway, wanted: Wanted): string =>
  join(paths.releases, releaseName(paths.releases, wanted));

/** Installs a release where it is missing, or is not trusted any more (`again`). Its directory exists only when it is complete. */
export async function ensureRelease(
  gateway: HostGateway,
  wanted: Wanted,
  progress: (line: string) => void,
  again = false,
): Promise<void> {
  const { releases } = gateway.paths;
  const { version } = wanted;
  const release = releaseDir(gateway, wanted);
  if (fs.existsSync(release) && !again) return;
  requireWayIn(gateway);
  const packages = stagedPackages(releases, wanted);
  makeDir(releases);
  for (const name of entries(releases)) if (name.startsWith(STAGING_PREFIX)) removeTree(join(releases, name));
  // A name of its own: the npm of a killed attempt may still be writing into another.
  const staging = join(releases, `${STAGING_PREFIX}${version}-${process.pid}`);
  makeDir(staging);

  const started = Date.now();
  const sent = gateway.host.layout.push ? pushedRelease(releases, version) : undefined;
  progress(
    `installing openclaw@${version} ${sent === undefined ? "from the npm registry" : "from the archive that was sent here"}`,
  );
  const ticker = setInterval(() => progress(`installing openclaw@${version}: ${secondsSince(started)}`), 10_000);
  try {
    if (sent === undefined) await npmInstall(gateway, staging, version, packages);
    else await extract(sent, staging, version, packages);
    if (packages !== undefined) requireComplete(staging, version, packages, process.arch);
    await runPackageScript(gateway, staging);
    if (packages !== undefined) placePlugins(staging, packages);
    recordPackageLock(staging, wanted);
  } finally {
    clearInterval(ticker);
  }
  // The name must not survive a power cut that the content did not survive.
  await run("sync", ["-f", staging], { env: workerEnvironment({}), timeoutMs: INSTALL_TIMEOUT_MS });
  // What runs keeps what it has loaded, and finds the same files there; removed when nothing runs from it.
  if (again) fs.renameSync(release, join(releases, `${FORMER_PREFIX}${version}-${process.pid}`));
  fs.renameSync(staging, release);
  progress(`installed openclaw@${version} in ${secondsSince(started)}`);
}

/** A preview says this too, unless somebody has closed the way since. */
function requireWayIn({ host: { identity }, paths }: HostGateway): void {
  const [barrier] = identity.demote ? waysInto(paths.releases, identity).closed : [];
  if (barrier !== undefined)
    throw new Failure(
      `OpenClaw and its install script never run as root, and others cannot enter ${barrier}`,
      `let them through (chmod o+x ${barrier}), or use another \`root\`; then run \`pulumi up\` again`,
    );
}

/** Of the account's groups, an install script has those that lead it to its place, and no others. */
const waysInto = (releases: string, { name }: Identity): ReturnType<typeof groupsOnWayTo> =>
  groupsOnWayTo(releases, groupIdsOf(name));

/** Unpacks what the deployer made with the same steps as `npmInstall`. */
async function extract(archive: string, staging: string, version: string, packages?: string): Promise<void> {
  const flags = ["-xzf", archive, "-C", staging, "--no-same-owner", "--no-same-permissions"];
  const { code, stderr } = await run("tar", flags, { env: workerEnvironment({}), timeoutMs: INSTALL_TIMEOUT_MS });
  if (code !== 0)
    throw new Failure(
      `openclaw@${version} was sent to this host, but cannot be unpacked:\n${indent(stderr.trim())}`,
      "free up space on its disk, or send it again: pulumi up --replace '**-push*'",
    );
  const lock = join(staging, PACKAGE_LOCK_FILE);
  if (packages !== undefined && !(fs.existsSync(lock) && fs.readFileSync(lock, "utf8") === unpack(packages)))
    throw new Failure(
      `openclaw@${version} was sent to this host with packages other than those that this stack has locked`,
      "send it again: pulumi up --replace '**-push*'",
    );
}

async function npmInstall(gateway: HostGateway, staging: string, version: string, packages?: string): Promise<void> {
  for (const [name, text] of Object.entries(manifestFiles(version, packages)))
    fs.writeFileSync(join(staging, name), text);
  const npm = join(gateway.host.manage, "npm", "bin", "npm-cli.js");
  const npmrc = npmrcFile(gateway.host.manage);
  const env = workerEnvironment(process.env, gateway.host.layout);
  if (fs.existsSync(npmrc)) env["npm_config_userconfig"] = npmrc;
  const result = await run(process.execPath, [npm, ...installArguments(staging, version, packages)], {
    env: { ...env, PATH: `${join(process.execPath, "..")}:${env.PATH}` },
    cwd: staging,
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  if (result.code === 0) return;
  const reason = result.timedOut ? `not finished after ${INSTALL_MINUTES} minutes` : result.stderr.trim();
  const advice = isChangedPackage(result.stderr)
    ? CHANGED_PACKAGE
    : /E404|ETARGET|No matching version/.test(result.stderr)
      ? packages === undefined
        ? "check `version`: the registry does not have it"
        : "use another `registry`: this one does not have the packages that this stack has locked"
      : "check that this host can reach the npm registry (`npm ping`), then run `pulumi up` again";
  throw new Failure(`npm could not install openclaw@${version}:\n${indent(reason)}`, `${advice}`);
}

/**
 * OpenClaw's own install script completes the package. Never as root, nor as the gateways' account: a gateway could write
 * into the tree meanwhile, or keep a file of it open forever.
 */
async function runPackageScript(gateway: HostGateway, staging: string): Promise<void> {
  const { identity } = gateway.host;
  const directory = join(staging, "node_modules", "openclaw");
  const script = readJson<{ scripts?: { postinstall?: string } }>(join(directory, "package.json"))?.scripts
    ?.postinstall;
  if (script === undefined) return;
  const builder = identity.demote ? nobodyElse(waysInto(gateway.paths.releases, identity).needed) : identity;
  if (builder.demote) await chownTree(directory, builder.uid, builder.gid);
  const env = workerEnvironment({});
  const result = await runAs(builder, "/bin/sh", ["-c", script], {
    env: { ...env, HOME: directory, PATH: `${join(process.execPath, "..")}:${env.PATH}` },
    cwd: directory,
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  if (builder.demote) {
    await endOf(builder.uid);
    await chownTree(directory, 0, 0);
  }
  if (result.code !== 0)
    throw new Failure(
      `OpenClaw's install script failed:\n${indent(`${result.stdout}${result.stderr}`.trim())}`,
      "look at what it says above, run `pulumi up` again; only if it says the same again, use another `version`",
    );
}

/** Changes the owner of a tree without following links; nobody else may write in it. */
async function chownTree(directory: string, uid: number, gid: number): Promise<void> {
  const options = { env: workerEnvironment({}), timeoutMs: INSTALL_TIMEOUT_MS };
  await run("chown", ["-Rh", `${uid}:${gid}`, directory], options);
  if (uid === 0) await run("chmod", ["-R", "go-w", directory], options);
}

/** A release as a generation runs it. */
export interface UsedRelease {
  readonly version: string;
  /** The program in it. */
  readonly entry: string;
}

/** Removes releases that no generation uses; the lock of one that is used stays. */
export function removeUnusedReleases({ paths }: HostGateway, used: readonly UsedRelease[]): void {
  const kept = new Set([
    ...used.map(({ entry }) => nameOf(paths.releases, entry)),
    ...neededPackageLocks(
      paths.releases,
      used.map(({ version }) => version),
    ),
  ]);
  if (kept.has("..")) return; // then our own directory was reached by another name
  for (const name of entries(paths.releases)) if (!kept.has(name)) removeTree(join(paths.releases, name));
}

const nameOf = (releases: string, entry: string): string => relative(releases, entry).split("/")[0]!;

export const secondsSince = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;

export const indent = (text: string): string => text.replace(/^/gm, "    ");
