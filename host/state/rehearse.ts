/**
 * Tries a release on a copy of a gateway's state: it must start, migrate the copy, and answer. Nothing of it reaches anybody:
 * no channels, no jobs, no heartbeats, a port of its own on loopback, and no network where that can be had.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { isAbsolute, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { askGateway } from "../../inspect/ask";
import { isStarted } from "../../inspect/health";
import { signal } from "../../inspect/run";
import { databasesOf, isWithin } from "../../model/hostLayout";
import { isObject, objectAt } from "../../model/json";
import type { Json, JsonObject } from "../../model/spec";
import { databaseVersions } from "./contents";

const END_MS = 20_000;
const POLL_MS = 250;
const KEPT_OUTPUT = 16 * 1024;

/** What is tried, and how it is run. */
export interface RehearsalOrder {
  readonly config: JsonObject;
  readonly version: string;
  readonly node: string;
  /** Of Node.js. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

interface Rehearsal extends RehearsalOrder {
  readonly stateDir: string;
  /** A copy of it. */
  readonly copy: string;
}

export interface Rehearsed {
  /** Why it failed; missing: it did not. */
  readonly problem?: string;
  /** The end of what it printed. */
  readonly output: string;
  /** Schema versions of the copy's databases afterwards. */
  readonly databases: Readonly<Record<string, number>>;
}

/** `isOver`: nobody waits for it any more. */
export async function rehearse(rehearsal: Rehearsal, isOver: AbortSignal): Promise<Rehearsed> {
  const { copy, config, stateDir } = rehearsal;
  const port = await freePort();
  rebind(copy, stateDir);
  mkdirSync(join(copy, "workspace"), { recursive: true });
  const configFile = join(copy, "openclaw.json");
  rmSync(configFile, { force: true }); // in the original it may be a link, to what runs
  writeFileSync(configFile, JSON.stringify(isolated(config, { stateDir, copy, port })), { mode: 0o600, flag: "wx" });
  const child = spawn(rehearsal.node, rehearsal.args, {
    cwd: copy,
    env: { ...rehearsal.env, ...isolatedEnvironment(copy) },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = keepOutput(child);
  const ended = endOf(child);
  try {
    const problem = await waitUntilStarted(rehearsal, { port, ended, isOver });
    await end(child, ended);
    return { ...(problem !== undefined && { problem }), output: output(), databases: databaseVersions(copy) };
  } finally {
    kill(child, "SIGKILL");
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * A database of a running gateway says who has it open, and where each agent's is. Source: what OpenClaw's own updater does
 * with its copy, 2026.9.6.
 */
function rebind(copy: string, stateDir: string): void {
  const path = join(databasesOf(copy), "openclaw.sqlite");
  if (!existsSync(path)) return;
  const database = new DatabaseSync(path);
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const has = (name: string): boolean => tables.some((table) => table.name === name);
    for (const leases of ["agent_database_leases", "state_leases"].filter(has)) database.exec(`DELETE FROM ${leases}`);
    if (!has("agent_databases")) return;
    for (const { path: stored } of database.prepare("SELECT DISTINCT path FROM agent_databases").all()) {
      if (typeof stored !== "string" || !isAbsolute(stored)) continue;
      const inside = isWithin(stored, stateDir);
      if (inside)
        database.prepare("UPDATE agent_databases SET path = ? WHERE path = ?").run(relative(stateDir, stored), stored);
      else database.prepare("DELETE FROM agent_databases WHERE path = ?").run(stored);
    }
  } finally {
    database.close();
  }
}

interface Places {
  readonly stateDir: string;
  readonly copy: string;
  readonly port: number;
}

/** The same configuration, but it reaches nobody. Source: what OpenClaw's own updater changes, 2026.9.6. */
function isolated(config: JsonObject, { stateDir, copy, port }: Places): JsonObject {
  const moved = mapped(config, (text) =>
    isWithin(text, stateDir) ? copy + text.slice(stateDir.length) : text,
  ) as JsonObject;
  const { customBindHost: _host, tls: _tls, trustedProxies: _proxies, ...gateway } = objectAt(moved, "gateway");
  const agents = objectAt(moved, "agents");
  const workspace = join(copy, "workspace");
  return {
    ...moved,
    agents: {
      ...agents,
      defaults: { ...objectAt(agents, "defaults"), workspace, heartbeat: NO_HEARTBEAT },
      ...(Array.isArray(agents.list) && { list: agents.list.map((each) => withoutHeartbeat(each, workspace)) }),
    },
    gateway: {
      ...gateway,
      ...{ mode: "local", bind: "loopback", port, auth: { mode: "token", token: randomUUID() } },
      tailscale: { mode: "off" },
    },
    cron: { ...objectAt(moved, "cron"), enabled: false },
    ...(moved.hooks !== undefined && { hooks: { ...objectAt(moved, "hooks"), enabled: false } }),
    discovery: { mdns: { mode: "off" } },
  };
}

const NO_HEARTBEAT = { every: "0m" };

/** An agent; with a workspace of its own elsewhere, it gets one in the copy. */
function withoutHeartbeat(agent: Json, workspace: string): Json {
  if (!isObject(agent)) return agent;
  return { ...agent, heartbeat: NO_HEARTBEAT, ...(agent.workspace !== undefined && { workspace }) };
}

function mapped(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each) => mapped(each, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, change)]));
}

/** With all of these, OpenClaw knows that it runs on a copy, and leaves what lies outside alone. Source: its updater, 2026.9.6. */
const isolatedEnvironment = (copy: string): Record<string, string> => ({
  ...{ HOME: copy, USERPROFILE: copy, TMPDIR: copy, TMP: copy, TEMP: copy },
  XDG_CONFIG_HOME: join(copy, "config"),
  XDG_CACHE_HOME: join(copy, "cache"),
  XDG_DATA_HOME: join(copy, "data"),
  XDG_STATE_HOME: join(copy, "state"),
  OPENCLAW_HOME: copy,
  OPENCLAW_STATE_DIR: copy,
  OPENCLAW_CONFIG_PATH: join(copy, "openclaw.json"),
  OPENCLAW_WORKSPACE_DIR: join(copy, "workspace"),
  OPENCLAW_SKIP_CHANNELS: "1",
  OPENCLAW_SKIP_PROVIDERS: "1",
  OPENCLAW_SKIP_CRON: "1",
  OPENCLAW_SKIP_GMAIL_WATCHER: "1",
  OPENCLAW_SKIP_CANVAS_HOST: "1",
  OPENCLAW_SKIP_BROWSER_CONTROL_SERVER: "1",
  OPENCLAW_SKIP_STARTUP_MODEL_PREWARM: "1",
  OPENCLAW_NO_AUTO_UPDATE: "1",
  OPENCLAW_UPDATE_IN_PROGRESS: "0",
  OPENCLAW_UPDATE_PARENT_ALLOWS_GATEWAY_SERVICE_REPAIR: "0",
  OPENCLAW_UPDATE_PARENT_ALLOWS_GATEWAY_ACTIVATION: "0",
  NODE_DISABLE_COMPILE_CACHE: "1",
});

interface Start {
  readonly port: number;
  readonly ended: { readonly how?: string };
  readonly isOver: AbortSignal;
}

/** Why it has not started; `undefined`: it has. */
async function waitUntilStarted(
  { version, timeoutMs }: Rehearsal,
  { port, ended, isOver }: Start,
): Promise<string | undefined> {
  for (const until = Date.now() + timeoutMs; !isOver.aborted; await sleep(POLL_MS)) {
    if (ended.how !== undefined) return `it ended with ${ended.how}`;
    const answer = await askGateway(port, "/startupz");
    if (isStarted(answer))
      return answer?.version === version ? undefined : `it says that it is ${String(answer?.version)}`;
    if (Date.now() > until) return `it did not start within ${timeoutMs / 1000} s`;
  }
  return "cancelled";
}

function keepOutput(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (chunk: string) => (text = (text + chunk).slice(-KEPT_OUTPUT)));
  return () => text;
}

/** Lets it finish: its databases are whole then. */
async function end(child: ChildProcess, ended: { readonly how?: string }): Promise<void> {
  kill(child, "SIGTERM");
  for (const until = Date.now() + END_MS; ended.how === undefined && Date.now() < until; await sleep(POLL_MS));
}

/** It leads a process group of its own. */
function kill(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid !== undefined) signal(-child.pid, name);
}

/** How it ended, once it has. */
function endOf(child: ChildProcess): { how?: string } {
  const ended: { how?: string } = {};
  child.on("error", (error) => (ended.how = error.message));
  child.on("exit", (code, killer) => (ended.how = killer === null ? `exit code ${code}` : `signal ${killer}`));
  return ended;
}
