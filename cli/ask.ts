/** Asks one gateway the page's four questions, and for its channels, through its own command line, each within a bounded time. */
import { lstat, readJson } from "../inspect/files";
import { run } from "../inspect/run";
import { isImpostors } from "../inspect/health";
import { defined } from "../model/defined";
import { ASK_CHANNELS, channelNames } from "../model/channels";
import { valueAt } from "../model/json";
import type { JsonObject } from "../model/spec";
import { askHealth, type CheckedGateway } from "./gateways";

/** The slowest of them takes 8 s on an idle machine, and longer if several gateways are asked at once. */
const TIMEOUT_MS = 60_000;

/** What a command printed as JSON; `undefined`: it printed none. */
export type Report = Record<string, unknown> | undefined;

export interface CommandAnswer {
  /** How it ended: its exit code, or `null` if it had to be killed. */
  readonly code: number | null;
  readonly report: Report;
  /** The line of its standard error that says why: what OpenClaw says of the Node.js that it runs on, else the last one. */
  readonly complaint: string;
}

export interface Answers {
  /** From its own endpoints: "healthy", or why not. */
  readonly health: string;
  /** `gateway status --deep --require-rpc` */
  readonly service?: CommandAnswer;
  /** `gateway probe` */
  readonly probe?: CommandAnswer;
  /** `status`, `browser status` and `channels status --probe`: not run for a gateway that is down; they would wait for a minute. */
  readonly status?: CommandAnswer;
  readonly browser?: CommandAnswer;
  readonly channels?: CommandAnswer;
  /** Names of the channels that its configuration switches on, where we have written it. */
  readonly configured?: readonly string[];
}

export async function askGateway(gateway: CheckedGateway): Promise<Answers> {
  const ask = (args: string): Promise<CommandAnswer> => askOpenclaw(gateway.command, args);
  const health = await askHealth(gateway);
  // No answer would then come from this gateway.
  if (isImpostors(health) || isAnotherUsers(gateway)) return { health };
  const config = configOf(gateway);
  const isOnLoopback = valueAt(config, "gateway.bind") !== "custom";
  const [service, probe] = await Promise.all([
    isOnLoopback
      ? ask("gateway status --deep --require-rpc --json")
      : statusOnLoopback(ask, health === "healthy" ? gateway.version : undefined),
    ask("gateway probe --json"),
  ]);
  if (service.code !== 0) return { health, service, probe };
  const [status, browser, channels] = await Promise.all([
    ask("status --json"),
    ask("browser status --json"),
    ask(ASK_CHANNELS.join(" ")),
  ]);
  return { health, service, probe, status, browser, channels, configured: channelNames(config) };
}

/** Empty if this user may not read it. */
function configOf({ configPath }: CheckedGateway): JsonObject {
  try {
    return (configPath === undefined ? undefined : readJson<JsonObject>(configPath)) ?? {};
  } catch {
    return {};
  }
}

/**
 * Of a gateway that listens on an address of its network, too, `gateway status` asks there, where it is a stranger that must
 * be paired; its other commands ask on loopback. `version`: what its endpoints say. Source: measured, 2026.9.6.
 */
async function statusOnLoopback(
  ask: (args: string) => Promise<CommandAnswer>,
  version: string | undefined,
): Promise<CommandAnswer> {
  const [status, health] = await Promise.all([
    ask("gateway status --deep --no-probe --json"),
    ask("gateway health --json --timeout 10000"),
  ]);
  if (!status.report) return status;
  return { ...health, report: { ...status.report, rpc: defined({ ok: health.code === 0, version }) } };
}

/** Its CLI runs what its configuration says, which that user writes: never run it with our privileges. */
const isAnotherUsers = ({ isOurs, stateDir }: CheckedGateway): boolean =>
  !isOurs && lstat(stateDir)?.uid !== process.getuid?.();

/** The command is shell text, as typed. No settings of the caller's own gateway reach it. */
async function askOpenclaw(command: string, args: string): Promise<CommandAnswer> {
  const isKept = (entry: [string, string | undefined]): entry is [string, string] =>
    !/^(OPENCLAW|PULUMI)_/.test(entry[0]) && entry[1] !== undefined;
  const { code, timedOut, stdout, stderr } = await run("/bin/sh", ["-c", `${command} ${args}`], {
    env: Object.fromEntries(Object.entries(process.env).filter(isKept)),
    cwd: "/",
    timeoutMs: TIMEOUT_MS,
  });
  return { code: timedOut ? null : code, report: parse(stdout), complaint: complaintIn(stderr) };
}

/** OpenClaw says in one line that Node.js is too old, and then how to use nvm. Source: openclaw.mjs, 2026.9.6. */
export const NODE_COMPLAINT = /^openclaw: .*\bNode\b.*$/m;

export const complaintIn = (stderr: string): string =>
  NODE_COMPLAINT.exec(stderr)?.[0] ?? stderr.trim().split("\n").at(-1) ?? "";

function parse(text: string): Report {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
