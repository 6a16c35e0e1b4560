/**
 * Applying a spec, as one transaction. What only a new process can change: install and stage beside what runs, validate, stop,
 * switch, start, prove healthy; on failure, go back to exactly what ran before. Everything else is changed while the gateway
 * runs (`liveChange`). An interrupted transaction is finished or undone by the next one.
 */
import { join } from "node:path";
import { asAccount } from "./account";
import { isReleaseTouched, isUntouched, recordApplied } from "./applied";
import { Failure, messageOf } from "../model/failure";
import { restoreDirectories } from "./claim";
import type { Ready } from "./files";
import { othersOpenclawLocksProblem } from "../model/conflict";
import {
  isSame,
  pointedAt,
  putBackConfig,
  readyPointer,
  removeUnused,
  settleFiles,
  stageGeneration,
  sweepGateway,
  wantedGeneration,
  wantedRelease,
  type Generation,
  type Ordered,
} from "./generation";
import { liveAccounts, requiredChannels, waitForChannels } from "./channels";
import { lastGatewayLines } from "./gatewayLog";
import { gatewayPort, isHealthy, isUp, waitUntilHealthy } from "./health";
import type { HostGateway } from "./host";
import { takeTurn, waitForPartnersVersion, waitForTurn } from "./partner";
import { requireNeeds } from "./needs";
import { othersOpenclawLocks } from "../inspect/openclawLocks";
import { liveChange, makeLive, type LiveChange, type Order, type Progress } from "./liveChange";
import {
  finishRestore,
  forgetWayBack,
  generationsToKeep,
  isRestoring,
  noteRestored,
  noteWayBack,
  pruneRecoveryPoints,
  recoveryPoints,
  requireWhole,
  restoreState,
  wantedPoint,
  wayBackTo,
  type PointInProgress,
  type RecoveryPoint,
} from "./recovery";
import { isUpgrade, prepareRestore, prepareUpgrade } from "./upgrade";
import { predecessorOf, retire } from "./predecessor";
import { recordPackageLock } from "./stagedPackageLocks";
import { ensureRelease, indent, releaseDir } from "./release";
import { GUIDE_FILE, GUIDE_MARK } from "../model/guide";
import { runAs } from "./runAs";
import { pathsInShort } from "../model/reload";
import { pointsInWords } from "../model/recovery";
import type { Spec } from "../model/spec";
import { supervisorFor } from "./supervisors/choose";
import { attempt, systemFailure, told } from "./systemError";

const VALIDATE_TIMEOUT_MS = 120_000;

/** Brings a gateway to a spec. Returns its new state, in one line. */
export async function applySpec(gateway: HostGateway, ordered: Ordered, order: Order): Promise<string> {
  const { progress } = order;
  const { spec } = ordered;
  const release = wantedRelease(ordered);
  await undoUnfinished(gateway);
  await settleUnproved(gateway, spec.version);
  const { supervised } = supervisorFor(gateway.host).status(gateway);
  const current = pointedAt(gateway, "current");
  const predecessor = predecessorOf(gateway);
  const good = pointedAt(gateway, "good");
  const wanted = wantedGeneration(gateway, ordered);
  const restored = wantedPoint(gateway, spec);
  // What decides a process may have been changed by hand, and no process that has read that is trusted.
  const isReinstalled = isReleaseTouched(gateway, release);
  const isTouched = isReinstalled || !isUntouched(gateway);
  const settled = (generation: Generation): Promise<string> =>
    settle(gateway, ordered, { generation, isReinstalled }, progress);
  const isAtRest = good?.name === current?.name && !predecessor && supervised && !restored && !isTouched;
  if (current && isAtRest && isSame(current, wanted) && (await isHealthy(gateway, current))) {
    return healthySummary(current, "already", await settled(current));
  }

  requireOwnOpenclawLocks(gateway);
  restoreDirectories(gateway);
  await ensureRelease(gateway, release, progress, isReinstalled);
  const live = current && isAtRest ? liveChange(gateway, current, wanted) : undefined;
  if (live?.paths.length && (await isUp(gateway, live.current))) {
    requireNeeds(gateway, live.next);
    const said = await changeLive(live, spec, order);
    return healthySummary(live.next, "now", said + (await settled(live.next)));
  }
  const next = stageGeneration(gateway, ordered, wanted, isTouched);
  settleFiles(gateway, next);
  requireNeeds(gateway, next);
  progress("validating the configuration with the new release");
  await validate(gateway, next);
  if (current && isUpgrade(current, next)) await waitForPartnersVersion(gateway, spec, progress);
  const state = await prepareState({ gateway, next, predecessor }, restored, order);
  try {
    await switchTo({ gateway, next, predecessor, state }, spec, order);
  } finally {
    state?.point.drop();
  }
  if (restored) noteRestored(gateway, restored);
  if (predecessor) retire(predecessor);
  return healthySummary(next, "now", await settled(next));
}

/** What an earlier transaction left half done and is not to be kept. */
export async function undoUnfinished(gateway: HostGateway): Promise<void> {
  putBackConfig(gateway);
  if (!isRestoring(gateway)) return;
  await supervisorFor(gateway.host).stop(gateway, false);
  await finishRestore(gateway);
}

/** Something else took the state and was not proved: unless its release is wanted again, what ran before comes back, with its state. */
async function settleUnproved(gateway: HostGateway, version: string): Promise<void> {
  const [current, good] = [pointedAt(gateway, "current"), pointedAt(gateway, "good")];
  if (!current || !good || current.name === good.name || !wayBackTo(gateway, good)) return;
  if (current.spec.version === version) return;
  // It has run since, perhaps for days: what it has done is not thrown away.
  if (await isUp(gateway, current)) return readyPointer(gateway, "good", current).place();
  await supervisorFor(gateway.host).stop(gateway, false);
  await restoreFormerState(gateway, good);
  readyPointer(gateway, "current", good).place();
}

/** What happens to the state in a switch. */
interface StateChange {
  /** The way back: complete when the gateway has stopped. */
  readonly point: PointInProgress;
  /** Takes its place. */
  readonly restored?: RecoveryPoint | undefined;
}

/** Tries another release on a copy of the state, and keeps the state; nothing is stopped. `undefined`: the state stays as it is. */
async function prepareState(
  { gateway, next, predecessor }: Switch,
  restored: RecoveryPoint | undefined,
  order: Order,
): Promise<StateChange | undefined> {
  const former = pointedAt(gateway, "current") ? gateway : (predecessor ?? gateway);
  const from = pointedAt(former, "current");
  // One that was never proved has no state to keep, or is tried for the second time.
  const isKept = from && pointedAt(former, "good") && (restored ?? isUpgrade(from, next));
  if (!isKept) return undefined;
  if (restored) await requireWhole(gateway, restored);
  const change = { gateway, from, next, isRunning: await isUp(former, from) };
  return { point: await (restored ? prepareRestore : prepareUpgrade)(change, order), restored };
}

/** OpenClaw itself would blame its configuration. */
function requireOwnOpenclawLocks({ host }: HostGateway): void {
  const found = othersOpenclawLocks(host.identity.uid);
  if (!found) return;
  const { reason, advice } = othersOpenclawLocksProblem(found.path, found.uid);
  throw new Failure(`${reason}; nothing was changed`, `${advice}`);
}

/**
 * Steps that the gateway can run without: a failure is reported, and the next deployment tries again. Returns what there is to go
 * back to, in words.
 */
async function settle(
  gateway: HostGateway,
  ordered: Ordered,
  { generation, isReinstalled }: { readonly generation: Generation; readonly isReinstalled: boolean },
  progress: Progress,
): Promise<string> {
  const { neighbour } = ordered.spec;
  const release = wantedRelease(ordered);
  const steps: readonly (() => void | Promise<void>)[] = [
    ...(neighbour ? [() => writeGuide(gateway, neighbour.guide)] : []),
    () => recordPackageLock(releaseDir(gateway, release), release),
    () => forgetWayBack(gateway),
    () => pruneRecoveryPoints(gateway, ordered.spec.backups),
    () => removeUnused(gateway, generationsToKeep(gateway)),
    () => sweepGateway(gateway),
    () => supervisorFor(gateway.host).settle(gateway),
    () => settleFiles(gateway, generation),
    () => recordApplied(gateway, generation, releaseDir(gateway, release), isReinstalled),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      progress(told(error));
    }
  }
  return pointsInWords(recoveryPoints(gateway));
}

/** Written into the workspace, where the agent reads it; never over the agent's own file. */
function writeGuide({ host, claim }: HostGateway, guide: string): void {
  const write =
    'if [ -e "$1" ] && ! grep -qF "$2" "$1"; then exit 0; fi; umask 022; printf %s "$3" >"$1.tmp"; mv -f "$1.tmp" "$1"';
  asAccount(host.identity, write, join(claim.workspace, GUIDE_FILE), GUIDE_MARK, guide);
}

const healthySummary = (generation: Generation, word: string, how = ""): string =>
  `${word} healthy: OpenClaw ${generation.spec.version} on 127.0.0.1:${gatewayPort(generation)}${how}`;

/** Only what really goes down waits for its turn, and for its partner. */
async function changeLive(change: LiveChange, spec: Spec, order: Order): Promise<string> {
  const { gateway, paths, cost } = change;
  const { progress, isWanted } = order;
  const turn = cost === "restart" ? await takeTurn(gateway, spec, progress) : undefined;
  try {
    if (!isWanted()) throw new Failure("cancelled; nothing was changed", "run `pulumi up` again");
    progress(`changing its configuration while it runs: ${pathsInShort(paths)}`);
    const was = await makeLive(change, order);
    return was === "restart" ? "; it has restarted inside its process" : "; changed while it ran";
  } finally {
    turn?.release();
  }
}

/** The release validates its configuration itself. It needs no secrets for that. */
async function validate(gateway: HostGateway, { service, dir }: Generation): Promise<void> {
  const result = await runAs(gateway.host.identity, service.node, [service.entry, "config", "validate", "--json"], {
    env: { ...service.env, OPENCLAW_CONFIG_PATH: `${dir}/openclaw.json` },
    cwd: "/",
    timeoutMs: VALIDATE_TIMEOUT_MS,
  });
  if (result.code === 0) return;
  throw new Failure(
    `OpenClaw rejects this configuration; nothing was changed:\n${indent(validationIssues(result.stdout) ?? (result.stderr || result.stdout).trim())}`,
    "each line begins with its key: change that in `config`, or the argument that sets it (docs/configuration.md), then run `pulumi up` again",
  );
}

/** `config validate --json` in words; its messages name the allowed values. */
function validationIssues(output: string): string | undefined {
  try {
    const { issues } = JSON.parse(output) as { issues?: { path: string; message: string }[] };
    return issues?.map(({ path, message }) => `${path}: ${message}`).join("\n");
  } catch {
    return undefined;
  }
}

/** A gateway, its next generation, and the gateway that it replaces, if any. */
interface Switch {
  readonly gateway: HostGateway;
  readonly next: Generation;
  readonly predecessor: HostGateway | undefined;
  readonly state?: StateChange | undefined;
}

/** No channel account was live before. */
const NONE: ReadonlySet<string> = new Set();

async function switchTo(change: Switch, spec: Spec, order: Order): Promise<void> {
  const { gateway, next, predecessor } = change;
  if (!order.isWanted()) throw new Failure("cancelled; nothing was changed", "run `pulumi up` again");
  const supervisor = supervisorFor(gateway.host);
  for (const former of [gateway, ...(predecessor ? [predecessor] : [])]) {
    const current = pointedAt(former, "current");
    if (!current || !(await isUp(former, current))) continue;
    // An earlier transaction was interrupted after the start and before it was proved healthy.
    if (former === gateway && current.name === next.name && supervisor.status(gateway).supervised)
      return prove(change, NONE, order);
    const turn = await takeTurn(gateway, spec, order.progress);
    try {
      return await replace({ ...change, drain: true }, await liveAccounts(former, current), order);
    } finally {
      turn.release();
    }
  }
  // What may still be half alive is not taken down at the same time as its partner.
  const isAlive = [gateway, predecessor].some((each) => each && supervisor.status(each).gatewayPid !== undefined);
  const turn = isAlive ? await waitForTurn(gateway, order.progress) : undefined;
  try {
    // What does not answer has nothing to finish: a hung one would be waited for for minutes.
    await replace({ ...change, drain: false }, NONE, order);
  } finally {
    turn?.release();
  }
}

async function replace(
  change: Switch & { readonly drain: boolean },
  live: ReadonlySet<string>,
  order: Order,
): Promise<void> {
  const { gateway, next, predecessor, state, drain } = change;
  const { progress } = order;
  const supervisor = supervisorFor(gateway.host);
  if (!order.isWanted()) throw new Failure("cancelled; nothing was changed", "run `pulumi up` again");
  const forward = readyPointer(gateway, "current", next);
  try {
    await prove(change, live, order, async () => {
      if (supervisor.status(gateway).supervised) progress("stopping the previous generation");
      if (predecessor) progress(`stopping gateway ${predecessor.id}, which this one replaces`);
      for (const former of [gateway, ...(predecessor ? [predecessor] : [])]) await supervisor.stop(former, drain);
      if (state) await changeState(gateway, next, { state, progress });
      forward.place();
      progress(`starting OpenClaw ${next.spec.version} on port ${gatewayPort(next)}`);
      await supervisor.start(gateway);
    });
  } finally {
    forward.drop();
  }
}

async function changeState(
  gateway: HostGateway,
  next: Generation,
  { state: { point, restored }, progress }: { state: StateChange; progress: Progress },
): Promise<void> {
  const kept = await point.seal();
  noteWayBack(gateway, kept);
  progress(`its state is kept as recovery point ${kept.id}`);
  if (!restored) return;
  progress(`restoring ${restored.id}`);
  await restoreState(gateway, restored, next);
}

/** Waits until a generation is healthy, and so good; if anything fails, goes back to the last good one. */
async function prove(
  change: Switch,
  live: ReadonlySet<string>,
  order: Order,
  start?: () => Promise<void>,
): Promise<void> {
  const { gateway, next } = change;
  // Written to disk before anything is stopped: later the disk may be full.
  const back = wayBack(change);
  const proof = readyPointer(gateway, "good", next);
  const logStart = supervisorFor(gateway.host).logPosition(gateway);
  try {
    await start?.();
    await waitUntilHealthy(gateway, next);
    await waitForChannels(gateway, next, requiredChannels(gateway, { next, good: back.good }, live), order.progress);
    if (!order.isWanted() && back.good) throw new Failure("cancelled");
    proof.place();
  } catch (error) {
    const log = lastGatewayLines(gateway, logStart, next);
    order.progress("not healthy: rolling back");
    const outcome = await goBack(gateway, back);
    const failure = systemFailure(error);
    if (failure) throw new Failure(failure.message.replace("\n", `\n${outcome}\n`));
    throw new Failure(
      `the new generation did not become healthy: ${messageOf(error)}\n${outcome}\nIts last log lines:\n${indent(log)}`,
      "correct what was changed and run `pulumi up` again",
    );
  } finally {
    proof.drop();
    back.link?.drop();
  }
}

interface WayBack {
  /** The gateway that `good` is a generation of. */
  readonly former: HostGateway;
  readonly good: Generation | undefined;
  readonly link: Ready | undefined;
}

function wayBack({ gateway, predecessor }: Switch): WayBack {
  const former = pointedAt(gateway, "good") ? gateway : (predecessor ?? gateway);
  const good = pointedAt(former, "good");
  return { former, good, link: good && readyPointer(former, "current", good) };
}

async function goBack(gateway: HostGateway, { former, good, link }: WayBack): Promise<string> {
  const supervisor = supervisorFor(gateway.host);
  await supervisor.stop(gateway, false);
  if (!good || former !== gateway) retire(gateway);
  if (!good) return "There was no previous generation: the gateway is stopped.";
  try {
    await restoreFormerState(gateway, good);
    link?.place();
    await supervisor.start(former);
    await waitUntilHealthy(former, good);
    return "The previous generation is running again and is healthy.";
  } catch (error) {
    return `The previous generation was started again but is not healthy: ${messageOf(error)}`;
  }
}

/** The state as the last good generation left it, if something else has run on it since. */
async function restoreFormerState(gateway: HostGateway, good: Generation): Promise<void> {
  await finishRestore(gateway);
  const point = wayBackTo(gateway, good);
  if (point && pointedAt(gateway, "current")?.name !== good.name) await restoreState(gateway, point, good);
  forgetWayBack(gateway);
}

/** Starts what is deployed if it is down. Returns its state, in one line. */
export async function startGateway(gateway: HostGateway): Promise<string> {
  if (!pointedAt(gateway, "current")) throw new Failure(`gateway ${gateway.id} is not deployed`, "run `pulumi up`");
  // As where it starts by itself: with the other configuration is better than not at all.
  attempt(() => putBackConfig(gateway));
  if (isRestoring(gateway)) await undoUnfinished(gateway);
  const current = pointedAt(gateway, "current")!;
  const supervisor = supervisorFor(gateway.host);
  if (supervisor.status(gateway).supervised && (await isUp(gateway, current)))
    return healthySummary(current, "already");
  // Twice: whoever types this wants it up, and a single refused call is no reason to leave it down.
  await supervisor.start(gateway).catch(() => supervisor.start(gateway));
  await waitUntilHealthy(gateway, current);
  return healthySummary(current, "now");
}

/** Stops what runs, hung or not, and starts it again. Somebody at the keyboard asked for it: waits for no partner. */
export async function restartGateway(gateway: HostGateway, progress: Progress): Promise<string> {
  const turn = await waitForTurn(gateway, progress);
  try {
    await supervisorFor(gateway.host).stop(gateway, false);
    return await startGateway(gateway);
  } finally {
    turn.release();
  }
}

/** Stops the gateway for good. */
export async function stopGateway(gateway: HostGateway): Promise<void> {
  const supervisor = supervisorFor(gateway.host);
  await supervisor.stop(gateway, pointedAt(gateway, "good") !== undefined);
  supervisor.remove(gateway);
}
