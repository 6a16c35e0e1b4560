/** What "healthy" means: the right gateway answers, with the right version. Bodies are read, not status codes. */
import { setTimeout as sleep } from "node:timers/promises";
import { askGateway } from "../inspect/ask";
import { isStarted } from "../inspect/health";
import { Failure } from "../model/failure";
import { secretsOf, type Generation } from "./generation";
import type { HostGateway } from "./host";
import { databasesOf } from "../model/hostLayout";
import { HEALTH_POLL_MS, RUNNING_PATIENCE_MS } from "./limits";
import { listeners } from "../inspect/listeners";
import { type Listener } from "../model/conflict";
import { descendsFrom, hasLostDatabase, isAt } from "../inspect/processes";
import { readVariables } from "./secrets";
import type { RunResult } from "../inspect/run";
import { runAs } from "./runAs";
import { supervisorFor } from "./supervisors/choose";
import { valueAt } from "../model/json";
import type { JsonObject } from "../model/spec";
import { tokenVariableIn } from "../model/secrets";

/** Two cold boots side by side on two cores take about 25 s; on a slow disk, several times that. */
const HEALTH_TIMEOUT_MS = 180_000;
/** A gateway that exited on its own this often during its start will not come up. */
const MAX_EXITS = 2;

export const gatewayPort = ({ spec }: Generation): number => Number(valueAt(spec.config, "gateway.port"));

async function hasStarted(generation: Generation): Promise<boolean> {
  return (await startedAt(generation)) !== undefined;
}

/** When the gateway that answers as this generation has started, by this host's clock; `undefined`: none has. */
export async function startedAt(generation: Generation): Promise<number | undefined> {
  const body = await askGateway(gatewayPort(generation), "/startupz");
  if (!isStarted(body) || body?.version !== generation.spec.version) return undefined;
  return Date.now() - (typeof body.uptimeMs === "number" ? body.uptimeMs : 0);
}

/** Whether any OpenClaw Gateway has started on a port. */
export const isGatewayOn = async (port: number): Promise<boolean> => isStarted(await askGateway(port, "/startupz"));

export const readiness = (generation: Generation) => askGateway(gatewayPort(generation), "/readyz");

/** The gateway's own command line, with its token. */
export function openclaw(gateway: HostGateway, { service }: Generation, ...args: string[]): Promise<RunResult> {
  return runAs(gateway.host.identity, service.node, [service.entry, ...args], {
    env: { ...service.env, ...readVariables(service.secrets) },
    cwd: "/",
    timeoutMs: 30_000,
  });
}

/**
 * The gateway that answers is ours if it knows our token. Asked to invoke no tool, it says so only to a token's holder
 * (measured, 2026.9.6). After any other answer its own command line is asked, which takes seconds.
 */
async function isOurs(gateway: HostGateway, generation: Generation): Promise<boolean> {
  const secrets = secretsOf(gateway, generation);
  const token = secrets[tokenVariableIn(secrets)];
  const answer = await askGateway(gatewayPort(generation), "/tools/invoke", {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
  });
  const said = (answer?.error as { type?: unknown } | undefined)?.type;
  if (said === "invalid_request") return true;
  if (said === "unauthorized") return false;
  return (await openclaw(gateway, generation, "gateway", "health", "--json", "--timeout", "10000")).code === 0;
}

/** Whether it runs with exactly the file that is there; asked with its own command line, which has the token of that file. */
export async function isInForce(gateway: HostGateway, generation: Generation): Promise<boolean> {
  const { code, stdout } = await openclaw(gateway, generation, "gateway", "call", "config.get", "--json");
  if (code !== 0) return false;
  const { configRevisionHash: wanted, appliedConfigHash: applied } = JSON.parse(stdout) as JsonObject;
  return typeof wanted === "string" && wanted === applied;
}

/** Who holds a gateway's port: its own process, another program, one that this user cannot see, or nobody. */
export type PortHolder = { readonly own: number } | { readonly stranger: Listener } | "unknown" | "nobody";

/** Nobody else may get a gateway's token. A variable in the environment proves nothing: anyone with its account can set it. */
export function portHolder(
  gateway: HostGateway,
  generation: Generation,
  { gatewayPid } = supervisorFor(gateway.host).status(gateway),
): PortHolder {
  const port = gatewayPort(generation);
  const found = listeners((each) => each === port);
  const isOwn = (pid: number): boolean => gatewayPid !== undefined && descendsFrom(pid, gatewayPid);
  const stranger = found.find(({ pid }) => pid !== undefined && !isOwn(pid));
  if (stranger) return { stranger };
  if (!found.length) return "nobody";
  const own = found[0]!.pid;
  return own === undefined || found.some(({ pid }) => pid === undefined) ? "unknown" : { own };
}

/** Whether a gateway still has its state directory: the one at its path, with the database that it has open. Source: measured. */
const hasState = ({ claim: { stateDir } }: HostGateway, pid: number): boolean =>
  isAt(pid, stateDir) && !hasLostDatabase(pid, databasesOf(stateDir));

export async function isHealthy(gateway: HostGateway, generation: Generation): Promise<boolean> {
  const status = supervisorFor(gateway.host).status(gateway);
  if (status.gatewayPid === undefined || !(await hasStarted(generation))) return false;
  const holder = portHolder(gateway, generation, status);
  return typeof holder === "object" && "own" in holder && hasState(gateway, holder.own) && isOurs(gateway, generation);
}

/** Whether a gateway is healthy, or soon will be: one slow answer on a busy machine does not make it unhealthy. */
export async function isUp(gateway: HostGateway, generation: Generation): Promise<boolean> {
  const supervisor = supervisorFor(gateway.host);
  for (const end = Date.now() + RUNNING_PATIENCE_MS; ; await sleep(HEALTH_POLL_MS)) {
    if (await isHealthy(gateway, generation)) return true;
    if (supervisor.status(gateway).gatewayPid === undefined || Date.now() > end) return false;
  }
}

/** Waits until a generation is healthy; throws what went wrong. `formerExits`: how often it had exited before. */
export async function waitUntilHealthy(gateway: HostGateway, generation: Generation, formerExits = 0): Promise<void> {
  const supervisor = supervisorFor(gateway.host);
  const end = Date.now() + HEALTH_TIMEOUT_MS;
  while (!(await hasStarted(generation))) {
    const { supervised, gaveUp, exits: all } = supervisor.status(gateway);
    const exits = all - formerExits;
    if (gaveUp !== undefined) throw new Failure(`it ended with ${gaveUp}`);
    if (!supervised) throw new Failure("its supervisor exited");
    if (exits >= MAX_EXITS) throw new Failure(`it exited on its own ${exits} times`);
    if (Date.now() > end) throw new Failure(`it did not answer on port ${gatewayPort(generation)} within 180 s`);
    await sleep(HEALTH_POLL_MS);
  }
  while (!(await isHealthy(gateway, generation))) {
    if (Date.now() > end)
      throw new Failure(
        `nothing on port ${gatewayPort(generation)} answered as this gateway, with its token, within 180 s`,
      );
    await sleep(HEALTH_POLL_MS);
  }
}
