/**
 * Applying a spec, as one transaction: install and stage beside what runs, validate, stop, switch, start, prove healthy;
 * on failure back to exactly what ran before. A transaction that was torn is finished or undone by the next one.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asAccount } from "./account";
import { Failure, messageOf } from "../model/failure";
import { restoreDirectories } from "./claim";
import type { ReadyLink } from "./files";
import { othersLocks } from "../model/conflict";
import {
  generationName,
  pointedAt,
  readyPointer,
  removeUnused,
  stageGeneration,
  sweepGateway,
  wantedRelease,
  type Generation,
  type Ordered,
} from "./generation";
import { gatewayPort, hasChannels, hasLiveChannels, isGatewayOn, isHealthy, isUp, waitUntilHealthy } from "./health";
import { findGateway, lockPath, type HostGateway } from "./host";
import { PARTNER_GRACE_MS, PARTNER_POLL_MS } from "./limits";
import { isLocked, takeLock, type Lock } from "./lock";
import { othersLocksOf } from "../inspect/openclawLocks";
import { predecessorOf, retire, standing } from "./predecessor";
import { recordLock, releaseName } from "./stagedLocks";
import { ensureRelease, indent, releaseDir } from "./release";
import { runAs } from "./runAs";
import { readSecrets, redact } from "./secrets";
import type { Spec } from "../model/spec";
import { supervisorFor } from "./supervisors";
import { systemFailure, told } from "./systemError";

/** How to help main, for the rescue's agent. */
const GUIDE_FILE = "RESCUE.md";
/** In every guide of ours; a file without it is the user's and stays. */
const GUIDE_MARK = "`pulumi up` writes this file.";
const VALIDATE_TIMEOUT_MS = 120_000;
/** How long a change waits for its partner's deployment. */
const PARTNER_TIMEOUT_MS = 15 * 60_000;
const LOG_LINES = 30;

type Progress = (line: string) => void;

/** What a transaction has to do with whoever ordered it. */
interface Order {
  readonly progress: Progress;
  /** Whether somebody still waits for it. */
  isWanted(): boolean;
}

/** Brings a gateway to a spec. Returns what it is now, in one line. */
export async function applySpec(gateway: HostGateway, ordered: Ordered, order: Order): Promise<string> {
  const { progress } = order;
  const { spec, nonce } = ordered;
  const release = wantedRelease(ordered);
  const { supervised } = supervisorFor(gateway.host).status(gateway);
  const current = pointedAt(gateway, "current");
  const predecessor = predecessorOf(gateway);
  const good = pointedAt(gateway, "good");
  const wanted = generationName(spec, nonce, releaseName(gateway.paths.releases, release));
  const isCurrent = current?.name === wanted && good?.name === current.name;
  if (current && isCurrent && !predecessor && supervised && (await isHealthy(gateway, current))) {
    await settle(gateway, ordered, progress);
    return summary(current, "already");
  }

  requireLocks(gateway);
  restoreDirectories(gateway);
  await ensureRelease(gateway, release, progress);
  const next = stageGeneration(gateway, ordered);
  progress("validating the configuration with the new release");
  await validate(gateway, next);
  await switchTo({ gateway, next, predecessor }, spec, order);
  if (predecessor) retire(predecessor);
  await settle(gateway, ordered, progress);
  return summary(next, "now");
}

/** OpenClaw itself would say that its configuration is wrong. */
function requireLocks({ host }: HostGateway): void {
  const found = othersLocksOf(host.identity.uid);
  if (!found) return;
  const { reason, advice } = othersLocks(found.path, found.uid);
  throw new Failure(`${reason}; nothing was changed\n    -> ${advice}`);
}

/** What the gateway runs without: where it fails, that is said, and the next deployment does it. */
async function settle(gateway: HostGateway, ordered: Ordered, progress: Progress): Promise<void> {
  const { neighbour } = ordered.spec;
  const release = wantedRelease(ordered);
  const steps: readonly (() => void | Promise<void>)[] = [
    ...(neighbour ? [() => writeGuide(gateway, neighbour.guide)] : []),
    () => recordLock(releaseDir(gateway, release), release),
    () => removeUnused(gateway),
    () => sweepGateway(gateway),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      progress(told(error));
    }
  }
}

/** Into the workspace, where the agent reads it; not over a file of its own. */
function writeGuide({ host, claim }: HostGateway, guide: string): void {
  const write =
    'if [ -e "$1" ] && ! grep -qF "$2" "$1"; then exit 0; fi; umask 022; printf %s "$3" >"$1.tmp"; mv -f "$1.tmp" "$1"';
  asAccount(host.identity, write, join(claim.workspace, GUIDE_FILE), GUIDE_MARK, guide);
}

const summary = (generation: Generation, word: string): string =>
  `${word} healthy: OpenClaw ${generation.spec.version} on 127.0.0.1:${gatewayPort(generation)}`;

/** The release's own validation of its own configuration. Secrets are not needed for it. */
async function validate(gateway: HostGateway, { service, dir }: Generation): Promise<void> {
  const result = await runAs(gateway.host.identity, service.node, [service.entry, "config", "validate", "--json"], {
    env: { ...service.env, OPENCLAW_CONFIG_PATH: `${dir}/openclaw.json` },
    cwd: "/",
    timeoutMs: VALIDATE_TIMEOUT_MS,
  });
  if (result.code === 0) return;
  throw new Failure(
    `OpenClaw refuses this configuration; nothing was changed:\n${indent(validationIssues(result.stdout) ?? (result.stderr || result.stdout).trim())}` +
      `\n    -> correct \`config\` and run \`pulumi up\` again`,
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

/** A gateway, what it becomes, and the one that it takes the place of, if any. */
interface Switch {
  readonly gateway: HostGateway;
  readonly next: Generation;
  readonly predecessor: HostGateway | undefined;
}

async function switchTo(change: Switch, spec: Spec, order: Order): Promise<void> {
  const { gateway, next, predecessor } = change;
  if (!order.isWanted()) throw new Failure("cancelled; nothing was changed\n    -> run `pulumi up` again");
  const supervisor = supervisorFor(gateway.host);
  for (const former of [gateway, ...(predecessor ? [predecessor] : [])]) {
    const current = pointedAt(former, "current");
    if (!current || !(await isUp(former, current))) continue;
    // A former transaction was torn between its start and its proof.
    if (former === gateway && current.name === next.name && supervisor.status(gateway).supervised)
      return prove(change, false, order);
    const turn = await takeTurn(gateway, spec, order.progress);
    try {
      return await replace(change, await hasLiveChannels(former, current), order);
    } finally {
      turn.release();
    }
  }
  // What may still be half alive is not taken down while its partner is.
  const isAlive = [gateway, predecessor].some((each) => each && supervisor.status(each).gatewayPid !== undefined);
  const turn = isAlive ? await waitForTurn(gateway, order.progress) : undefined;
  try {
    await replace(change, false, order);
  } finally {
    turn?.release();
  }
}

/** One take-down at a time on this host, so that a partner that is healthy stays so. */
const waitForTurn = (gateway: HostGateway, progress: Progress): Promise<Lock> =>
  takeLock(lockPath(gateway.host, "take-down"), () => progress("waiting for its turn to restart"));

/** Takes the turn to restart at a moment when the partner is healthy, or the neighbour, where there is one. */
async function takeTurn(gateway: HostGateway, spec: Spec, progress: Progress): Promise<Lock> {
  for (const end = Date.now() + PARTNER_TIMEOUT_MS; ;) {
    await requirePartner(gateway, spec, progress);
    await requireNeighbour(spec, progress);
    const turn = await waitForTurn(gateway, progress);
    if ((await hasHealthyPartner(gateway, spec)) && (await hasNeighbour(spec))) return turn;
    turn.release();
    if (Date.now() > end) throw spec.partner === undefined ? neighbourFailure(spec) : partnerFailure(spec.partner);
  }
}

/** Whether the partner, where there is one to protect, is healthy at this moment. */
async function hasHealthyPartner(gateway: HostGateway, { partner: id, force }: Spec): Promise<boolean> {
  if (id === undefined || force) return true;
  const found = findGateway(gateway.host, id);
  if (!found) return true;
  const partner = standing(found);
  const generation = pointedAt(partner, "current");
  return generation !== undefined && (await isHealthy(partner, generation));
}

const partnerFailure = (id: string): Failure =>
  new Failure(
    `gateway ${id}, its partner, is not healthy, so this healthy gateway was not taken down; nothing was changed\n` +
      `    -> repair ${id} first (openclaw-${id} gateway status --deep), or set \`force: true\``,
  );

/** A healthy gateway is not taken down unless its partner is healthy: waits for that while there is hope. */
async function requirePartner(gateway: HostGateway, spec: Spec, progress: Progress): Promise<void> {
  const { partner: id, force } = spec;
  if (id === undefined || force) return;
  const started = Date.now();
  for (let idleSince = started, told = false; ; await sleep(PARTNER_POLL_MS)) {
    const isThere = findGateway(gateway.host, id) !== undefined;
    if (isThere && (await hasHealthyPartner(gateway, spec))) return;
    if (isLocked(lockPath(gateway.host, `gateway-${id}`))) idleSince = Date.now();
    else if (Date.now() - idleSince > PARTNER_GRACE_MS) {
      if (!isThere) return; // there is none on this host, and none is coming: nothing to protect
      throw partnerFailure(id);
    }
    if (Date.now() - started > PARTNER_TIMEOUT_MS) throw partnerFailure(id);
    if (!told) progress(`waiting until its partner ${id} is healthy`);
    told = true;
  }
}

/** Whether the gateway that no stack owns, where there is one to protect, has started. */
const hasNeighbour = async ({ neighbour, force }: Spec): Promise<boolean> =>
  neighbour === undefined || force === true || (await isGatewayOn(neighbour.port));

const neighbourFailure = ({ neighbour }: Spec): Failure =>
  new Failure(
    `the main gateway on port ${neighbour?.port} does not answer, so this healthy gateway was not taken down; nothing was changed\n` +
      "    -> start main first, or set `force: true`",
  );

/** As for a partner; it may just be restarting. */
async function requireNeighbour(spec: Spec, progress: Progress): Promise<void> {
  const end = Date.now() + PARTNER_GRACE_MS;
  for (let told = false; !(await hasNeighbour(spec)); await sleep(PARTNER_POLL_MS)) {
    if (Date.now() > end) throw neighbourFailure(spec);
    if (!told) progress(`waiting until the main gateway on port ${spec.neighbour?.port} answers`);
    told = true;
  }
}

/** Channels count where they were connected before, or are what changes: an outage elsewhere undoes nothing. */
function needsChannels(next: Generation, good: Generation | undefined, wereLive: boolean): boolean {
  if (!hasChannels(next)) return false;
  // Their configuration, with the variables that it refers to.
  const channels = ({ spec, service }: Generation): string => {
    const text = JSON.stringify(spec.config.channels ?? {});
    return JSON.stringify([text, Object.entries(readSecrets(service.secrets)).filter(([name]) => text.includes(name))]);
  };
  return wereLive || !good || channels(next) !== channels(good);
}

async function replace(change: Switch, wereLive: boolean, order: Order): Promise<void> {
  const { gateway, next, predecessor } = change;
  const { progress } = order;
  const supervisor = supervisorFor(gateway.host);
  if (!order.isWanted()) throw new Failure("cancelled; nothing was changed\n    -> run `pulumi up` again");
  const forward = readyPointer(gateway, "current", next);
  try {
    await prove(change, wereLive, order, async () => {
      if (supervisor.status(gateway).supervised) progress("stopping the former generation");
      if (predecessor) progress(`stopping gateway ${predecessor.id}, whose place this one takes`);
      for (const former of [gateway, ...(predecessor ? [predecessor] : [])]) await supervisor.stop(former, true);
      forward.place();
      progress(`starting OpenClaw ${next.spec.version} on port ${gatewayPort(next)}`);
      await supervisor.start(gateway);
    });
  } finally {
    forward.drop();
  }
}

/** Waits until a generation is healthy, and so good; whatever fails, goes back to the last good one. */
async function prove(change: Switch, wereLive: boolean, order: Order, start?: () => Promise<void>): Promise<void> {
  const { gateway, next } = change;
  // On disk before anything is stopped: the disk may be full by then.
  const back = wayBack(change);
  const proof = readyPointer(gateway, "good", next);
  const logStart = supervisorFor(gateway.host).logPosition(gateway);
  try {
    await start?.();
    await waitUntilHealthy(gateway, next, needsChannels(next, back.good, wereLive));
    if (!order.isWanted() && back.good) throw new Failure("cancelled");
    proof.place();
  } catch (error) {
    const log = lastLines(gateway, logStart, next);
    order.progress("not healthy: going back");
    const outcome = await goBack(gateway, back);
    const failure = systemFailure(error);
    if (failure) throw new Failure(failure.message.replace("\n", `\n${outcome}\n`));
    throw new Failure(
      `the new generation did not become healthy: ${messageOf(error)}\n${outcome}\nIts last log lines:\n${indent(log)}\n` +
        "    -> correct what was changed and run `pulumi up` again",
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
  readonly link: ReadyLink | undefined;
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
  if (!good) return "There was no former generation: the gateway is stopped.";
  try {
    link?.place();
    await supervisor.start(former);
    await waitUntilHealthy(former, good, false);
    return "The former generation runs again and is healthy.";
  } catch (error) {
    return `The former generation was started again but is not healthy: ${messageOf(error)}`;
  }
}

/** The last lines that a gateway printed since a position in its log, without its secrets. */
export function lastLines(gateway: HostGateway, position = 0, generation = pointedAt(gateway, "current")): string {
  const log = supervisorFor(gateway.host).logSince(gateway, position);
  const shown = generation ? redact(log, readSecrets(generation.service.secrets)) : log;
  return shown.trimEnd().split("\n").slice(-LOG_LINES).join("\n") || "(none)";
}

/** Starts what is deployed where it is down. Returns what it is now, in one line. */
export async function startGateway(gateway: HostGateway): Promise<string> {
  const current = pointedAt(gateway, "current");
  if (!current) throw new Failure(`gateway ${gateway.id} is not deployed\n    -> run \`pulumi up\``);
  const supervisor = supervisorFor(gateway.host);
  if (supervisor.status(gateway).supervised && (await isUp(gateway, current))) return summary(current, "already");
  // Twice: whoever types this wants it up, and one call that the machine refuses once is not a reason to leave it down.
  await supervisor.start(gateway).catch(() => supervisor.start(gateway));
  await waitUntilHealthy(gateway, current, false);
  return summary(current, "now");
}

/** Ends what runs, hung or not, and starts it again. Somebody at the keyboard asked for it: no partner is waited for. */
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
