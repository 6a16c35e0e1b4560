/**
 * Changing the configuration of a gateway while it runs. Its file is replaced in one step, in a directory that stays; OpenClaw
 * notices that within a second, and says what it does. What is refused, not healthy or not confirmed is taken back the same way.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../model/failure";
import { changedPaths, costOf, touchesChannels, type Cost } from "../model/reload";
import { liveAccounts, requiredChannels, waitForChannels } from "./channels";
import { IN_PROCESS_RESTARTS } from "./environment";
import {
  keepConfig,
  putBackConfig,
  readyConfig,
  settleFiles,
  withConfig,
  type Generation,
  type WantedGeneration,
} from "./generation";
import { lastGatewayLines } from "./gatewayLog";
import { isHealthy, isInForce, startedAt, waitUntilHealthy } from "./health";
import type { HostGateway } from "./host";
import { DRAIN_TIMEOUT_MS, RELOAD_ASK_MS, RELOAD_POLL_MS, RELOAD_TIMEOUT_MS } from "./limits";
import { indent } from "./release";
import { readReload } from "./reload";
import { supervisorFor } from "./supervisors/choose";
import { attempt } from "./systemError";

export type Progress = (line: string) => void;

/** How a transaction deals with its caller. */
export interface Order {
  readonly progress: Progress;
  /** Whether somebody is still waiting for it. */
  readonly isWanted: () => boolean;
}

export interface LiveChange {
  readonly gateway: HostGateway;
  readonly current: Generation;
  /** In the same process. */
  readonly next: Generation;
  readonly paths: readonly string[];
  /** What OpenClaw is expected to make of it. */
  readonly cost: Cost;
}

/** The change from what runs to what is wanted, if the same process can run that. */
export function liveChange(
  gateway: HostGateway,
  current: Generation,
  { process, config }: WantedGeneration,
): LiveChange | undefined {
  const { service, spec } = current;
  if (service.process !== process || service.env[IN_PROCESS_RESTARTS] === undefined) return undefined;
  const paths = changedPaths(spec.config, config);
  return { gateway, current, next: withConfig(current, config), paths, cost: costOf(paths, spec.version) };
}

/** Makes the change and proves it. Returns what it was: "live", or "restart" inside the process. */
export async function makeLive(change: LiveChange, { progress, isWanted }: Order): Promise<Cost> {
  const { gateway, current, next, paths } = change;
  // Asking takes seconds: only where channels start again that did not change themselves.
  const live =
    touchesChannels(paths) || change.cost === "restart" ? await liveAccounts(gateway, current) : new Set<string>();
  const required = requiredChannels(gateway, { next, good: current }, live);
  const file = readyConfig(gateway, next);
  const before = observe(change);
  try {
    file.place();
    const cost = await confirm(change, before, progress);
    await waitUntilHealthy(gateway, next, before.exits);
    if (required.changed.size || required.live.size) await waitForChannels(gateway, next, required, progress);
    if (!isWanted()) throw new Failure("cancelled");
    if (!keepConfig(next)) throw new Failure("it started again by itself before the change was proved");
    return cost;
  } catch (error) {
    const log = lastGatewayLines(gateway, before.log, next);
    progress("not in force: putting the former configuration back");
    const outcome = await takeBack(change, before);
    throw new Failure(
      `the new configuration did not come into force: ${messageOf(error)}\n${outcome}\nIts last log lines:\n${indent(log)}`,
      "correct what was changed and run `pulumi up` again",
    );
  } finally {
    file.drop();
  }
}

/** What tells later whether it is still the same process, and what it has said since. */
interface Before {
  readonly pid: number | undefined;
  readonly exits: number;
  readonly log: number;
  readonly time: number;
}

function observe({ gateway }: LiveChange): Before {
  const supervisor = supervisorFor(gateway.host);
  const { gatewayPid: pid, exits } = supervisor.status(gateway);
  return { pid, exits, log: supervisor.logPosition(gateway), time: Date.now() };
}

/** Waits until OpenClaw has taken the file that is there, and throws why not. Its own word counts: in its log, or when asked. */
async function confirm(change: LiveChange, before: Before, progress: (line: string) => void): Promise<Cost> {
  const { gateway, next } = change;
  const supervisor = supervisorFor(gateway.host);
  let isTold = false;
  for (let asked = before.time; ; await sleep(RELOAD_POLL_MS)) {
    const { isApplied, isRestarting, isDeferred, refused } = readReload(supervisor.logSince(gateway, before.log));
    if (refused !== undefined) throw new Failure(`OpenClaw refuses it: ${refused}`);
    if (supervisor.status(gateway).gatewayPid !== before.pid) throw new Failure("its process ended");
    if (isApplied && !isRestarting) return "live";
    const started = await startedAt(next);
    if (started !== undefined && started > before.time) return "restart";
    if (isRestarting && !isTold)
      progress(`OpenClaw restarts inside its process${isDeferred ? " when it has finished its work" : ""}`);
    isTold ||= isRestarting;
    if (!isRestarting && Date.now() - asked > RELOAD_ASK_MS) {
      if (await isInForce(gateway, next)) return "live";
      asked = Date.now();
    }
    const limit = isRestarting || isDeferred ? DRAIN_TIMEOUT_MS + RELOAD_TIMEOUT_MS : RELOAD_TIMEOUT_MS;
    if (Date.now() - before.time > limit) throw new Failure(`OpenClaw did not confirm it within ${limit / 1000} s`);
  }
}

/** Puts the former configuration back, and a gateway that has not survived the change up again. */
async function takeBack({ gateway, current }: LiveChange, before: Before): Promise<string> {
  const supervisor = supervisorFor(gateway.host);
  const isSameProcess = (): boolean => supervisor.status(gateway).gatewayPid === before.pid;
  try {
    putBackConfig(gateway);
    attempt(() => settleFiles(gateway, current));
    for (const end = Date.now() + RELOAD_TIMEOUT_MS; Date.now() < end && isSameProcess(); await sleep(RELOAD_POLL_MS)) {
      const isBack = (await isHealthy(gateway, current)) && (await isInForce(gateway, current));
      if (!isBack) continue;
      const started = await startedAt(current);
      return `The former configuration is in force again${(started ?? 0) < before.time ? "; the gateway never stopped" : ""}.`;
    }
    await supervisor.stop(gateway, false);
    await supervisor.start(gateway);
    await waitUntilHealthy(gateway, current);
    return "The gateway was started again with its former configuration and is healthy.";
  } catch (error) {
    attempt(() => putBackConfig(gateway));
    return `The former configuration is back, but the gateway is not healthy: ${messageOf(error)}`;
  }
}
