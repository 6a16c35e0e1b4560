/** What of a gateway is not as its last deployment left it. Changes nothing. */
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defined } from "../model/defined";
import type { Drift } from "../model/drift";
import {
  CONFIG_FILE,
  gatewayPaths,
  hostFile,
  manageDir,
  SPEC_FILE,
  SYSTEM_PATH,
  type GatewayPaths,
  type HostLayout,
} from "../model/hostLayout";
import { valueAt } from "../model/json";
import { changedPaths } from "../model/reload";
import type { JsonObject, OwnedClaim } from "../model/spec";
import type { ClaimToCheck } from "../model/conflict";
import { isSameOwner } from "./conflicts";
import {
  fileAsIs,
  nonceKeyFile,
  readApplied,
  readAppliedRelease,
  readNonceKey,
  type Applied,
  type AppliedRelease,
} from "./applied";
import { askGateway } from "./ask";
import { entries, lstat, readEdited, readJson, readLink } from "./files";
import { isStarted } from "./health";
import { isAlive, type ProcessIdentity } from "./processes";
import { run } from "./run";
import { unitName } from "./units";

/** A gateway that restarts inside its process is silent for seconds; one that has just been started, for longer. */
const PATIENCE_MS = 6_000;
const POLL_MS = 500;
const YOUNG_MS = 180_000;
const SYSTEMCTL_MS = 10_000;
/** So many exits in a row are no restart that somebody asked for. */
const MANY_EXITS = 3;

/** Of each gateway, in their order. `lost`: ids of those of which so much is gone that there is nothing to compare. */
export const driftsOf = (
  layout: HostLayout,
  claims: readonly ClaimToCheck[],
  lost: readonly string[],
): Promise<Drift[][]> =>
  Promise.all(claims.map((claim) => (lost.includes(claim.id) ? Promise.resolve([]) : driftOf(layout, claim))));

/** Empty: it is as it was left, or nothing was ever deployed. */
async function driftOf(layout: HostLayout, { id, owner }: ClaimToCheck): Promise<Drift[]> {
  const manage = manageDir(layout.root);
  const paths = gatewayPaths(manage, id);
  const applied = readApplied(paths.dir);
  const theirs = readJson<OwnedClaim>(paths.owner)?.owner;
  if (!applied || (theirs && !isSameOwner(owner, theirs))) return [];
  const running = driftOfProcess(layout, id, applied);
  return [...driftOfFiles(manage, paths, applied), ...driftOfRelease(paths.dir), ...(await running)];
}

function driftOfFiles(manage: string, { current, good }: GatewayPaths, applied: Applied): Drift[] {
  const { files, config, generation } = applied;
  const runs = readLink(current);
  if (runs === undefined) return [{ is: "gone", path: current }];
  if (basename(runs) !== generation)
    return [{ is: "generation", version: versionIn(readEdited(join(current, SPEC_FILE))) }];
  const key = readNonceKey(manage);
  if (!key) return [{ is: "gone", path: nonceKeyFile(manage) }];
  const found = Object.entries(files).flatMap(([path, before]): Drift[] => {
    const now = fileAsIs(path, key);
    if (!now) return [{ is: "gone", path }];
    if (now.digest !== before.digest)
      return [basename(path) === CONFIG_FILE ? changedConfig(path, config) : { is: "edited", path }];
    return now.access === before.access ? [] : [{ is: "access", path, now: now.access, before: before.access }];
  });
  return [...found, ...(runs === readLink(good) ? [] : [{ is: "unproved" } as const])];
}

const versionIn = (spec: JsonObject | undefined): string => (typeof spec?.version === "string" ? spec.version : "?");

function changedConfig(path: string, before: JsonObject): Drift {
  try {
    return { is: "config", keys: changedPaths(before, readJson<JsonObject>(path)) };
  } catch {
    return { is: "config", keys: [] };
  }
}

function driftOfRelease(gatewayDir: string): Drift[] {
  const release = readAppliedRelease(gatewayDir);
  if (!release) return [];
  const { directory, version } = release;
  const files = changedFilesOf(release);
  if (files === undefined) return [{ is: "gone", path: directory }];
  return files ? [{ is: "release", version, files }] : [];
}

/**
 * How many files of a release somebody has added, removed or replaced: its directories change with them. What is written in place
 * changes none. `undefined`: there is no such release.
 */
export function changedFilesOf({ directory, directories, wholeAt }: AppliedRelease): number | undefined {
  const isNewer = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > wholeAt;
  if (!lstat(directory)) return undefined;
  return directories
    .map((name) => join(directory, name))
    .filter(isNewer)
    .reduce((sum, path) => sum + (entries(path).filter((name) => isNewer(join(path, name))).length || 1), 0);
}

/** How a gateway is kept running. */
interface Supervised {
  readonly isUp: boolean;
  readonly rebootedAt?: number;
  readonly gaveUp?: string;
  /** It ends again and again. */
  readonly isUnsteady?: boolean;
  /** ms since 1970. */
  readonly since?: number;
  /** Of a unit that would not start after a reboot. */
  readonly notEnabled?: string;
}

async function driftOfProcess(layout: HostLayout, id: string, applied: Applied): Promise<Drift[]> {
  const manage = manageDir(layout.root);
  const paths = gatewayPaths(manage, id);
  const { supervisor = "process" } = readJson<HostLayout>(hostFile(manage)) ?? {};
  const found = supervisor === "systemd" ? await unitOf(layout, id) : processOf(paths);
  const { isUp, rebootedAt, gaveUp, since = 0, isUnsteady, notEnabled } = found;
  const unit: Drift[] = notEnabled === undefined ? [] : [{ is: "notEnabled", unit: notEnabled }];
  if (gaveUp !== undefined) return [...unit, { is: "gaveUp", reason: gaveUp }];
  if (!isUp) return [...unit, { is: "stopped", ...(rebootedAt !== undefined && { rebootedAt }) }];
  return [...unit, ...(!isUnsteady && Date.now() - since < YOUNG_MS ? [] : await driftOfAnswer(paths, applied))];
}

async function driftOfAnswer({ current }: GatewayPaths, { config }: Applied): Promise<Drift[]> {
  const spec = readEdited(join(current, SPEC_FILE));
  const port = Number(valueAt(config, "gateway.port"));
  if (!spec) return [];
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(POLL_MS)) {
    const answer = await askGateway(port, "/startupz");
    const isOther = isStarted(answer) && answer?.version !== spec.version;
    if (isOther) return [{ is: "version", runs: String(answer?.version) }];
    if (isStarted(answer)) return [];
    if (Date.now() > end) return [{ is: "silent", port }];
  }
}

function processOf({ supervisorState }: GatewayPaths): Supervised {
  const state = readJson<{ supervisor: ProcessIdentity; exits: number; gaveUp?: string }>(supervisorState);
  const since = statSync(supervisorState, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (state && isAlive(state.supervisor))
    return defined({ isUp: true, since, isUnsteady: state.exits >= MANY_EXITS, gaveUp: state.gaveUp });
  const booted = bootTime();
  return { isUp: false, ...(booted !== undefined && since < booted && { rebootedAt: booted }) };
}

/** ms since 1970. */
function bootTime(): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

const PROPERTIES = [
  "ActiveState",
  "UnitFileState",
  "Job",
  "Result",
  "ExecMainStatus",
  "NRestarts",
  "InactiveExitTimestampMonotonic",
  "ActiveEnterTimestamp",
];

async function unitOf({ account }: HostLayout, id: string): Promise<Supervised> {
  const unit = unitName(id);
  const isUsers = account === null;
  const env = { PATH: SYSTEM_PATH, LANG: "C.UTF-8", TZ: "UTC" };
  const { stdout } = await run(
    "systemctl",
    [...(isUsers ? ["--user"] : []), "show", `--property=${PROPERTIES.join(",")}`, unit],
    { env: isUsers ? { ...env, XDG_RUNTIME_DIR: `/run/user/${process.getuid!()}` } : env, timeoutMs: SYSTEMCTL_MS },
  );
  const said = Object.fromEntries(stdout.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2))) as Record<
    string,
    string | undefined
  >;
  const { ActiveState: state = "", UnitFileState: file, Result, ExecMainStatus } = said;
  const booted = bootTime();
  const hasNeverStarted = said.InactiveExitTimestampMonotonic === "0";
  return {
    isUp: ["active", "activating", "reloading", "deactivating"].includes(state) || Number(said.Job) > 0,
    isUnsteady: Number(said.NRestarts) >= MANY_EXITS,
    since: Date.parse(said.ActiveEnterTimestamp ?? "") || 0,
    ...(state === "inactive" && hasNeverStarted && booted !== undefined && { rebootedAt: booted }),
    ...(state === "failed" && {
      gaveUp: Result === "exit-code" ? `exit code ${ExecMainStatus}` : (Result ?? "failed"),
    }),
    ...(file !== "enabled" && { notEnabled: unit }),
  };
}
