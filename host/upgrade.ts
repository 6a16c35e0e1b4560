/**
 * Changing the release that runs on a gateway's state. Releases migrate it, and only forward: so another one is first tried on
 * a copy, and the state is kept as it was, to go back to. Source: OpenClaw 2026.8.2 to 2026.9.6, measured.
 */
import { adviceToRestore } from "../model/recovery";
import { isAtLeast } from "../model/versions";
import { Failure } from "../model/failure";
import { gatewayTag, TAG_VARIABLE } from "../model/hostLayout";
import { endCarrying } from "./endProcesses";
import { serviceArguments, secretsOf, type Generation } from "./generation";
import type { HostGateway } from "./host";
import type { Order } from "./liveChange";
import { beginRecoveryPoint, recoveryPoints, unpackInto, type PointInProgress } from "./recovery";
import { indent } from "./release";
import { readVariables, redact } from "./secrets";
import type { Rehearsed, RehearsalOrder } from "./state/rehearse";
import { runStateHelper } from "./stateHelper";

/** A start with migrations takes 19 to 25 s on busy cores (measured); large databases take longer. */
const REHEARSAL_TIMEOUT_MS = 300_000;
const LOG_LINES = 20;

/** A change from one release to another on the same state. */
export interface Upgrade {
  readonly gateway: HostGateway;
  readonly from: Generation;
  readonly next: Generation;
  readonly isRunning: boolean;
}

/** Whether another release would run on the state that this one has left. */
export const isUpgrade = (from: Generation, next: Generation): boolean =>
  from.spec.version !== next.spec.version && from.spec.stateDir === next.spec.stateDir;

/** Copies what is large of the state while its gateway runs, for a way back. */
export async function prepareRestore(
  { gateway, from, isRunning }: Upgrade,
  { progress }: Order,
): Promise<PointInProgress> {
  progress(`copying the present state${isRunning ? " while it runs" : ""}`);
  return beginRecoveryPoint(gateway, from, { reason: "restore", way: isRunning ? "both" : "stopped" });
}

/** Tries the next release on a copy, and returns the recovery point that the copy was made of. Nothing is stopped. */
export async function prepareUpgrade(upgrade: Upgrade, { progress, isWanted }: Order): Promise<PointInProgress> {
  const { gateway, from, next, isRunning } = upgrade;
  await endRehearsal(gateway);
  progress(`copying the state of OpenClaw ${from.spec.version}${isRunning ? " while it runs" : ""}`);
  const point = await beginRecoveryPoint(gateway, from, { reason: "upgrade", way: isRunning ? "both" : "stopped" });
  try {
    progress(`trying OpenClaw ${next.spec.version} on a copy of the state`);
    const { problem, output, databases } = await rehearse(upgrade, point.archive);
    if (problem !== undefined) throw refused(upgrade, problem, output);
    if (!isWanted()) throw new Failure("cancelled; nothing was changed", "run `pulumi up` again");
    progress(`OpenClaw ${next.spec.version} starts on it: ${Object.keys(databases).length} databases`);
    return point;
  } catch (error) {
    point.drop();
    throw error;
  } finally {
    await endRehearsal(gateway);
  }
}

function refused({ gateway, from, next }: Upgrade, problem: string, output: string): Failure {
  const lines = redact(output, secretsOf(gateway, next)).trim().split("\n").slice(-LOG_LINES).join("\n");
  const { version } = next.spec;
  const back = isAtLeast(version, from.spec.version) ? undefined : adviceToRestore(recoveryPoints(gateway), version);
  return new Failure(
    `OpenClaw ${version} does not start on a copy of this gateway's state: ${problem}; nothing was changed\nIts last log lines:\n${indent(lines)}`,
    back ?? 'correct what its lines say and run `pulumi up` again, or stay with `version: "' + from.spec.version + '"`',
  );
}

async function rehearse({ gateway, next }: Upgrade, archive: string): Promise<Rehearsed> {
  const target = await runStateHelper<string>(gateway, ["begin-rehearsal"]);
  await unpackInto(gateway, archive, target);
  const { service, spec } = next;
  const tag = { [TAG_VARIABLE]: rehearsalDir(gateway) };
  const order: RehearsalOrder = {
    ...{ config: spec.config, version: spec.version, node: service.node, args: serviceArguments(service) },
    env: { ...service.env, ...readVariables(service.secrets), ...tag },
    timeoutMs: REHEARSAL_TIMEOUT_MS,
  };
  return runStateHelper<Rehearsed>(gateway, ["rehearse"], { input: JSON.stringify(order), env: tag, isOffline: true });
}

/** What its processes are known by; there is no such directory. */
const rehearsalDir = ({ paths }: HostGateway): string => `${paths.dir}/rehearsal`;

/** Also of an earlier one that was killed. */
async function endRehearsal(gateway: HostGateway): Promise<void> {
  await endCarrying(gatewayTag(rehearsalDir(gateway)), gateway.host.identity.uid, 0);
  await runStateHelper(gateway, ["end-rehearsal"]);
}
