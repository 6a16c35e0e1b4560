/**
 * A stand-in for OpenClaw's release, for rows that are about us: what this product asks of a release and reads of it, with a
 * boot of 0.15 s instead of 8. `test/host/standIn.test.ts` puts the same questions to it and to the real one.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { dirname, join } from "node:path";
import type { Behaviour } from "./release";

type Secret = string | { readonly source: "env" | "file"; readonly provider: string; readonly id: string };

interface Channel {
  readonly apiRoot: string;
  readonly botToken: Secret;
}

interface Config {
  readonly gateway: {
    readonly mode?: string;
    readonly port: number;
    readonly bind: "loopback" | "lan" | "custom";
    readonly customBindHost?: string;
    readonly auth?: { readonly mode?: string; readonly token?: Secret; readonly password?: Secret };
    readonly tls?: { readonly enabled: boolean; readonly certPath?: string; readonly keyPath?: string };
    readonly reload?: { readonly mode?: string };
  };
  readonly secrets?: { readonly providers: Readonly<Record<string, { readonly path: string; readonly mode: string }>> };
  readonly update?: { readonly channel?: unknown };
  readonly agents?: { readonly defaults?: { readonly timeoutSeconds?: unknown } };
  readonly channels?: Readonly<Record<string, Channel>>;
}

interface Issue {
  readonly path: string;
  readonly message: string;
}

// An import of it would load `fetch` as well: 35 ms, in each of its processes.
const { createServer } = process.getBuiltinModule("node:http");

const DEFAULT_BOOT_MILLISECONDS = 150;
const UNRECOVERABLE = 78;
const UPDATE_CHANNELS: readonly unknown[] = ["stable", "extended-stable", "beta", "dev"];

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
/** As OpenClaw's own updater, whoever tries it on a copy skips these. */
const isCopy = process.env.OPENCLAW_SKIP_CHANNELS !== undefined;
const given = readJson(join(dirname(realpathSync(process.argv[1]!)), "stand-in.json")) as Behaviour;
const behaviour: Behaviour = isCopy && given.isFineOnCopy ? { version: given.version } : given;
const configPath = process.env.OPENCLAW_CONFIG_PATH!;
const readConfig = (): Config => readJson(configPath) as Config;
/** In force; a gateway takes another one while it runs. */
let config = readConfig();
const { port } = config.gateway;
/** Channels that it has; any other one is as a plugin that is not installed. */
const known = (): [string, Channel][] =>
  (isCopy ? [] : Object.entries(config.channels ?? {})).filter(([name]) => name === "telegram");

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

/** The rules of OpenClaw's schema that tests break. */
function issues({ update, agents }: Config): Issue[] {
  const found: Issue[] = [];
  if (update?.channel !== undefined && !UPDATE_CHANNELS.includes(update.channel))
    found.push({ path: "update.channel", message: `Invalid input (allowed: "${UPDATE_CHANNELS.join('", "')}")` });
  const seconds = agents?.defaults?.timeoutSeconds;
  if (seconds !== undefined && !Number.isInteger(seconds))
    found.push({ path: "agents.defaults.timeoutSeconds", message: "Invalid input: expected number" });
  return found;
}

function reveal(secret: Secret): string | undefined {
  if (typeof secret === "string") return secret;
  const { source, provider, id } = secret;
  if (source === "env") return process.env[id];
  const { path, mode } = config.secrets!.providers[provider]!;
  return mode === "json" ? (readJson(path) as Record<string, string>)[id.slice(1)] : readFileSync(path, "utf8");
}

/** Where a proxy signs people in, a password takes its place. */
const token = (): string | undefined => reveal((config.gateway.auth?.password ?? config.gateway.auth?.token)!);

/** Its certificate and key; made with openssl where the configuration names none. */
function certificate(): { readonly cert: Buffer; readonly key: Buffer } {
  const directory = join(process.env.OPENCLAW_STATE_DIR!, "gateway/tls");
  const tls = config.gateway.tls!;
  const { certPath = join(directory, "gateway-cert.pem"), keyPath = join(directory, "gateway-key.pem") } = tls;
  if (tls.certPath === undefined && !existsSync(certPath)) {
    mkdirSync(directory, { recursive: true });
    const files = ["-keyout", keyPath, "-out", certPath];
    const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=stand-in", ...files];
    execFileSync("openssl", args, { stdio: "ignore" });
  }
  return { cert: readFileSync(certPath), key: readFileSync(keyPath) };
}

const addresses = ({ bind, customBindHost }: Config["gateway"]): (string | undefined)[] =>
  ({ loopback: ["127.0.0.1", "::1"], lan: ["0.0.0.0"], custom: ["127.0.0.1", customBindHost] })[bind];

/** What the service of a channel says of our credentials. Telegram's is the only one. */
async function probe({ apiRoot, botToken }: Channel) {
  try {
    const address = `${apiRoot}/bot${reveal(botToken)}/getMe`;
    const response = await fetch(address, { signal: AbortSignal.timeout(2_000) });
    const { description } = (await response.json()) as { description?: string };
    return { ok: response.ok, status: response.ok ? null : response.status, error: description ?? null };
  } catch (error) {
    return { ok: false, status: null, error: (error as Error).message };
  }
}

/** What `channels status` says of the one account of a channel. */
async function account(channel: Channel) {
  const result = await probe(channel);
  const lastError = result.ok ? await pollError(channel) : result.error;
  const connected = lastError === null;
  const isRefused = result.status !== null;
  return {
    accountId: "default",
    enabled: true,
    configured: true,
    running: !isRefused,
    connected,
    lastError,
    probe: result,
  };
}

async function pollError({ apiRoot, botToken }: Channel): Promise<string | null> {
  const response = await fetch(`${apiRoot}/bot${reveal(botToken)}/getUpdates?timeout=0`);
  const { description } = (await response.json()) as { description?: string };
  return response.ok ? null : `Telegram getUpdates conflict: ${description}`;
}

async function serve(): Promise<void> {
  process.title = "openclaw-gateway";
  console.log("[gateway] loading configuration…");
  if (behaviour.prints !== undefined) console.log(behaviour.prints, token());
  if (behaviour.endsWith !== undefined) process.exit(behaviour.endsWith);
  const found = config.gateway.mode === "local" ? issues(config) : [{ path: "gateway.mode", message: "is missing" }];
  for (const { path, message } of found) console.error(`Gateway failed to start: Invalid config: ${path}: ${message}`);
  if (found.length) process.exit(UNRECOVERABLE);
  // Measured by hand: the real one takes 18 s to say so.
  if (config.gateway.auth?.mode === "trusted-proxy" && process.env.OPENCLAW_GATEWAY_TOKEN !== undefined) {
    console.error("Gateway failed to start: gateway auth mode is trusted-proxy, but a shared token is also configured");
    process.exit(1);
  }
  process.on("SIGUSR2", () => {
    for (const all = []; ;) all.push(Buffer.alloc(2 ** 24, 1));
  });
  // Open as long as it runs, as its database is.
  const state = join(process.env.OPENCLAW_STATE_DIR!, "state");
  mkdirSync(state, { recursive: true });
  openSync(join(state, "openclaw.sqlite"), "a");
  if (behaviour.schema !== undefined) migrate(join(state, "openclaw.sqlite"), behaviour.schema);
  if (behaviour.diesMigrated && !isCopy) process.exit(1);
  let servers = await start();
  process.on("SIGTERM", () => {
    close(servers);
    if (behaviour.hangs) setInterval(() => undefined, 1_000);
    else process.exit(0);
  });
  if (behaviour.endsAfterMilliseconds !== undefined) setTimeout(() => process.exit(1), behaviour.endsAfterMilliseconds);
  watchConfig(async () => {
    close(servers);
    servers = await start();
  });
}

/** As OpenClaw does: only forward, and with every row. */
function migrate(path: string, schema: number): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(path);
  const { user_version: found } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found > schema) {
    console.error(`database schema preflight rejected newer schema ${found}; this build supports ${schema}`);
    process.exit(UNRECOVERABLE);
  }
  database.exec(`
    CREATE TABLE IF NOT EXISTS jobs (name TEXT);
    ${found < schema && found > 0 ? `ALTER TABLE jobs ADD COLUMN of_${schema} TEXT;` : ""}
    PRAGMA user_version = ${schema};
  `);
  database.close();
}

const close = (servers: readonly Server[]): void =>
  servers.forEach((server) => void server.close().closeAllConnections());

const changes = (before: unknown, after: unknown, path = ""): string[] => {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isTree = (value: unknown): value is object =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(before) && !isTree(after)) return [path];
  const [former, next] = [before, after].map((each) => (isTree(each) ? each : {})) as Record<string, unknown>[];
  const keys = [...new Set([...Object.keys(former!), ...Object.keys(next!)])];
  return keys.flatMap((key) => changes(former![key], next![key], path ? `${path}.${key}` : key));
};
const needsRestart = (path: string): boolean => /^gateway\.(?!auth\.(token|password)|reload)/.test(path);

/** Those of the servers that run. */
let connectChannels = (): void => undefined;

/** Takes a configuration that is put in the place of its own. */
function watchConfig(restart: () => Promise<void>): void {
  const say = (line: string): void => void console.log(`${new Date().toISOString()} [reload] ${line}`);
  /** One that is gone changes nothing. */
  const identity = (): string => {
    const found = statSync(configPath, { throwIfNoEntry: false });
    return found ? `${found.ino} ${found.mtimeMs}` : seen;
  };
  let seen = "";
  seen = identity();
  const take = async (): Promise<void> => {
    let next: typeof config;
    try {
      next = readConfig();
    } catch (error) {
      return say(`config reload skipped (invalid config): <root>: ${(error as Error).message}`);
    }
    const [wrong] = issues(next);
    if (wrong) return say(`config reload skipped (invalid config): ${wrong.path}: ${wrong.message}`);
    const paths = changes(config, next);
    if (!paths.length) return;
    if (behaviour.onChange === "ends") process.exit(1);
    if (behaviour.onChange !== "takes silently") say(`config change detected; evaluating reload (${paths.join(", ")})`);
    if (next.gateway.reload?.mode === "off") return say("config reload disabled (gateway.reload.mode=off)");
    const reasons = paths.filter(needsRestart);
    if (reasons.length) {
      say(`config change requires gateway restart (${reasons.join(", ")}) — preparing`);
      if (process.env.OPENCLAW_NO_RESPAWN !== "1") process.exit(0);
    }
    const former = token();
    config = next;
    connectChannels();
    if (reasons.length) await restart();
    // As the real one, which says nothing more of a token that is another one now.
    else if (behaviour.onChange !== "takes silently" && token() === former)
      say(`config hot reload applied (${paths.join(", ")})`);
  };
  setInterval(() => {
    if (behaviour.onChange === "ignores" || identity() === seen) return;
    seen = identity();
    void take();
  }, 100);
}

const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** Until its servers are closed. */
async function start(): Promise<Server[]> {
  const started = Date.now();
  const { gateway } = config;
  await new Promise((resolve) => setTimeout(resolve, behaviour.bootMilliseconds ?? DEFAULT_BOOT_MILLISECONDS));

  const failing = new Set(["startup-sidecars"]);
  /** A channel whose service is out does not fail; it is only not connected yet. */
  const connect = async (names = known().map(([name]) => name)): Promise<void> => {
    const channels = config.channels ?? {};
    const probes = await Promise.all(names.map((name) => probe(channels[name]!)));
    names.forEach((name, at) => (probes[at]!.status === null ? failing.delete(name) : failing.add(name)));
    failing.delete("startup-sidecars");
    const left = names.filter((_, at) => !probes[at]!.ok);
    if (left.length) setTimeout(() => void connect(left), 500);
  };
  connectChannels = () => void connect();
  connectChannels();
  const answer: RequestListener = ({ url = "", headers, socket }, response) => {
    const isLocal = /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? "");
    const isKnown = headers.authorization === `Bearer ${token()}`;
    const details = (all: object): object | false => (isLocal || isKnown) && all;
    const answers: Record<string, readonly [number, unknown]> = {
      "/healthz": [200, { ok: true, status: "live" }],
      "/startupz": [
        200,
        {
          ok: true,
          status: "started",
          ...details({ version: behaviour.claims ?? behaviour.version, uptimeMs: Date.now() - started }),
        },
      ],
      "/stand-in/config": [200, { hash: isKnown ? hashOf(config) : null }],
      "/readyz": [failing.size ? 503 : 200, { ready: !failing.size, ...details({ failing: [...failing] }) }],
      "/tools/invoke": isKnown
        ? [400, { ok: false, error: { type: "invalid_request", message: "tools.invoke requires name" } }]
        : [401, { error: { message: "Unauthorized", type: "unauthorized" } }],
    };
    const [status, body] = answers[url] ?? [200, "<!doctype html>"];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const tls = gateway.tls?.enabled === true && certificate();
  return addresses(gateway).map((host) =>
    (tls ? process.getBuiltinModule("node:https").createServer(tls, answer) : createServer(answer))
      .on("error", ({ message }) => {
        console.error(`Gateway failed to start: ${message}`);
        process.exit(1);
      })
      .listen(port, host),
  );
}

/** Hands signals on to the gateway itself, and ends as it does. */
function launch(): void {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, "serve"], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGTERM" ? 143 : 137)));
}

/** Where the command lines ask. */
function origin(): string {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  process.removeAllListeners("warning");
  return `${config.gateway.tls?.enabled ? "https" : "http"}://127.0.0.1:${port}`;
}
const withToken = () => ({ headers: { authorization: `Bearer ${token()}` } });

/** What the command lines find: a gateway that knows our token, one that does not, or none. */
async function look(): Promise<{ readonly ok: boolean; readonly kind?: string; readonly running?: string }> {
  try {
    const started = (await (await fetch(`${origin()}/startupz`)).json()) as { version: string };
    const { status } = await fetch(`${origin()}/tools/invoke`, { method: "POST", ...withToken(), body: "{}" });
    return status === 401 ? { ok: false, kind: "auth-rejected" } : { ok: true, running: started.version };
  } catch (error) {
    return { ok: false, kind: error instanceof SyntaxError ? "unreachable" : "closed" };
  }
}

/** Who listens on its port, as far as this user may know. */
function listeners(): { readonly pid: number; readonly command: string; readonly address: string }[] {
  const found = execFileSync("ss", ["-Hltnp", `sport = :${port}`], { encoding: "utf8" }).matchAll(
    /^\S+ +\S+ +\S+ +(\S+) .*\(\("([^"]+)",pid=(\d+)/gm,
  );
  return [...found].map(([, address, command, pid]) => ({ pid: Number(pid), command: command!, address: address! }));
}

const url = `${config.gateway.tls?.enabled ? "wss" : "ws"}://127.0.0.1:${port}`;

async function health(): Promise<void> {
  const { ok, kind } = await look();
  print(ok ? { ok, channels: {} } : { ok, error: { type: "gateway_transport_error", kind } });
  process.exitCode = ok ? 0 : 1;
}

const commands: Record<string, () => void | Promise<void>> = {
  "gateway run": launch,
  serve,
  // As an image has it, where the container's init is the launcher.
  "gateway --bind": serve,
  "config validate": () => {
    const found = issues(config);
    print(found.length ? { ok: false, valid: false, issues: found } : { valid: true, warnings: [] });
    process.exitCode = found.length ? 1 : 0;
  },
  "config file": () => console.log(process.env.OPENCLAW_CONFIG_PATH),
  "gateway health": health,
  "health --json": health,
  "channels status": async () => {
    const accounts = known().map(async ([name, channel]) => [name, [await account(channel)]] as const);
    print({ channelAccounts: Object.fromEntries(await Promise.all(accounts)), statusIssues: [] });
  },
  "gateway status": async () => {
    const { ok, kind, running } = await look();
    print({
      gateway: { port, ...(ok && { version: running }) },
      port: { port, listeners: ok ? [] : listeners() },
      rpc: { ok, url, ...(!ok && { connectFailure: { kind } }) },
      extraServices: [],
    });
    process.exitCode = ok || !process.argv.includes("--require-rpc") ? 0 : 1;
  },
  // Only what `config.get` says of the configuration in force.
  "gateway call": async () => {
    const answer = await fetch(`${origin()}/stand-in/config`, withToken());
    const { hash } = (await answer.json()) as { hash: string | null };
    if (hash === null) process.exitCode = 1;
    else print({ configRevisionHash: hashOf(config), appliedConfigHash: hash });
  },
  "gateway probe": async () => {
    const ok = (await look()).kind !== "closed";
    print({ ok, warnings: [], targets: [{ id: "localLoopback", kind: "localLoopback", url, connect: { ok } }] });
    process.exitCode = ok ? 0 : 1;
  },
  "status --json": () => print({ runtimeVersion: behaviour.version, degradedSecretOwners: [], degradedPlugins: [] }),
  // What an agent with a shell does, or a program that it has put into the command line's way.
  "shell -c": () => {
    process.exitCode = spawnSync("/bin/sh", process.argv.slice(3), { stdio: "inherit" }).status ?? 1;
  },
  "browser status": () => print({ enabled: true, running: false, cdpPort: port + 11 }),
};

const [first = "", second = ""] = process.argv.slice(2);
const command = commands[`${first} ${second}`.trim()];
if (command) void command();
else {
  console.error(`this stand-in for OpenClaw has no command ${first} ${second}`);
  process.exitCode = 2;
}
