/**
 * An OpenClaw gateway that no stack owns, described from what is on its machine: its directories, configuration, lock
 * and service. Only reads; nothing that is found is trusted or repeated, except paths and ports.
 */
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseEnv } from "node:util";
import JSON5 from "json5";
import { lstat, entries } from "./files";
import { isObject, objectAt, valueAt } from "../model/json";
import { STATE_OWNER_FILE, serviceName } from "../model/hostLayout";
import { DEFAULT_PORT } from "../model/ports";
import { BOT_TOKEN_VARIABLE } from "../model/secrets";
import { readStateOwner } from "./stateOwner";
import { isAlive, identify } from "./processes";
import type { Json, JsonObject } from "../model/spec";
import { unitDirectories } from "./units";

/** A configuration is a few kilobytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_PORT = 65535;
/** Paths go into command lines and into what another gateway's agent reads: main's own agent must not choose these. */
const PLAIN_PATH = /^\/[\w@%+=:,./-]+$/;

/** What is known about a gateway; whatever is left out is detected. */
export interface GatewayFacts {
  readonly stateDir?: string | undefined;
  readonly configPath?: string | undefined;
  readonly workspace?: string | undefined;
  readonly port?: number | undefined;
  readonly command?: string | undefined;
  readonly restart?: string | undefined;
}

export interface ExistingGateway {
  readonly profile: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly workspace: string;
  /** Its address on its machine. */
  readonly url: string;
  readonly port: number;
  /** The user that owns the gateway. */
  readonly uid: number;
  /** Runs its command line, from any shell. */
  readonly command: string;
  /** Restarts its service; `undefined` if no service was found. */
  readonly restart: string | undefined;
  readonly config: JsonObject;
  /** Secret. Those that can be read from here. */
  readonly botTokens: readonly string[];
}

/** Why a gateway cannot be described. */
export interface Undescribed {
  readonly property: keyof GatewayFacts;
  readonly reason: string;
  readonly advice: string;
}

/** A gateway, why it cannot be described, or `undefined`: there is none, and nobody said that there is. */
export type SearchResult = ExistingGateway | Undescribed | undefined;

export const isUnknown = (found: ExistingGateway | Undescribed): found is Undescribed => "reason" in found;

/** Describes the gateway that the facts name, or else one of the default profile in one of the homes. */
export function findExistingGateway(given: GatewayFacts, homes: readonly string[]): SearchResult {
  const isMeant = Object.values(given).some((fact) => fact !== undefined);
  try {
    const stateDir = given.stateDir ?? homes.map((home) => join(home, ".openclaw")).find(isUnowned);
    if (stateDir !== undefined) return describe(given, stateDir);
    return isMeant ? noStateDir(homes) : undefined;
  } catch (error) {
    if (error instanceof Undescribable) return error.unknown;
    throw error;
  }
}

class Undescribable extends Error {
  constructor(readonly unknown: Undescribed) {
    super(unknown.reason);
  }
}

function undescribable(property: Undescribed["property"], reason: string, advice: string): never {
  throw new Undescribable({ property, reason, advice });
}

const noStateDir = (homes: readonly string[]): never =>
  undescribable(
    "stateDir",
    `there is no gateway state directory at ${homes.map((home) => join(home, ".openclaw")).join(" or ")}`,
    "set it to the directory that holds main's openclaw.json",
  );

function describe(given: GatewayFacts, stateDir: string): ExistingGateway {
  const stats =
    lstat(stateDir) ??
    undescribable("stateDir", `${stateDir} does not exist`, "set it to the directory that holds main's openclaw.json");
  const lock = readOpenclawLock(stateDir);
  const configPath = configPathOf(given, stateDir, lock);
  const config = configOf(given, configPath);
  const profile = /^\.openclaw-([a-z0-9][a-z0-9_-]*)$/.exec(basename(stateDir))?.[1] ?? "default";
  const unit = findUnit(profile, dirname(stateDir));
  // OpenClaw derives one from the name of another profile.
  const preset = profile === "default" ? DEFAULT_PORT : undefined;
  const port = given.port ?? portOf(unit?.port ?? valueAt(config, "gateway.port") ?? preset, configPath, lock);
  requirePlain({ stateDir, configPath });
  const workspace = workspaceOf(given, config, { stateDir, configPath });
  const asOwner = stats.uid === process.getuid?.() ? "" : `sudo -u '#${stats.uid}' `;
  return {
    profile,
    stateDir,
    configPath,
    workspace,
    url: `${valueAt(config, "gateway.tls.enabled") === true ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    uid: stats.uid,
    command: given.command ?? asOwner + openclawCommand(profile, stateDir, configPath),
    restart: given.restart ?? unit?.restart(stats.uid),
    config,
    botTokens: botTokensOf(config, stateDir, lock?.pid),
  };
}

function configPathOf(given: GatewayFacts, stateDir: string, lock: OpenclawLock | undefined): string {
  if (given.configPath !== undefined) return given.configPath;
  const path = join(stateDir, "openclaw.json");
  return lock?.configPath === undefined || lock.configPath === path
    ? path
    : undescribable(
        "configPath",
        `main runs with a configuration other than ${path}`,
        "set it to the one that main runs with",
      );
}

/** Its configuration; empty where it cannot be read and is not needed. */
function configOf({ port, workspace }: GatewayFacts, path: string): JsonObject {
  const config = readConfig(path);
  const isNeeded = port === undefined || workspace === undefined;
  if (!config && isNeeded)
    undescribable(
      "configPath",
      `${path} cannot be read as an OpenClaw configuration`,
      "set it to main's openclaw.json; or, if that cannot be read from here, set existingMain.port and .workspace",
    );
  if (config && "$include" in config && isNeeded)
    undescribable(
      port === undefined ? "port" : "workspace",
      `${path} includes other files, which are not read`,
      "set existingMain.port and existingMain.workspace",
    );
  return config ?? {};
}

function portOf(port: Json | undefined, configPath: string, lock: OpenclawLock | undefined): number {
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > MAX_PORT)
    return undescribable(
      "port",
      `gateway.port in ${configPath} is not a port number`,
      "set it to the port that main listens on (ss -ltnp)",
    );
  // A fact that only a running gateway reports would vanish with it, and show as a change when it is down.
  if (lock?.port !== undefined && lock.port !== port)
    undescribable(
      "port",
      `main listens on port ${lock.port}, but its service and configuration say ${port}`,
      `set it to ${lock.port}, if main is to stay there`,
    );
  return port;
}

function requirePlain(paths: Readonly<Record<"stateDir" | "configPath", string>>): void {
  for (const property of ["stateDir", "configPath"] as const)
    if (!PLAIN_PATH.test(paths[property]))
      undescribable(
        property,
        `${JSON.stringify(paths[property])} contains characters that would need quotes on a command line`,
        "move main to a plain path",
      );
}

function workspaceOf(
  given: GatewayFacts,
  config: JsonObject,
  { stateDir, configPath }: { readonly stateDir: string; readonly configPath: string },
): string {
  const named = given.workspace ?? valueAt(config, "agents.defaults.workspace") ?? join(stateDir, "workspace");
  const path = typeof named === "string" ? expandHome(named, dirname(stateDir)) : "";
  return PLAIN_PATH.test(path)
    ? path
    : undescribable(
        "workspace",
        `agents.defaults.workspace in ${configPath} is not a plain absolute path`,
        "set it to main's workspace",
      );
}

/** A state directory without the mark of a stack. */
function isUnowned(stateDir: string): boolean {
  return lstat(stateDir) !== undefined && readStateOwner(join(stateDir, STATE_OWNER_FILE)) === undefined;
}

/** The names in a directory that we may not be allowed to read. */
function listed(path: string): string[] {
  try {
    return entries(path);
  } catch {
    return [];
  }
}

interface OpenclawLock {
  readonly pid: number;
  readonly port: number | undefined;
  readonly configPath: string | undefined;
}

/** What a running gateway says about itself. Source: `<state>/tmp/openclaw-<uid>/gateway.state.lock`, measured. */
function readOpenclawLock(stateDir: string): OpenclawLock | undefined {
  for (const directory of listed(join(stateDir, "tmp")).filter((name) => name.startsWith("openclaw-"))) {
    const text = readText(join(stateDir, "tmp", directory, "gateway.state.lock"));
    const lock = text === undefined ? undefined : parse(text);
    if (!lock || typeof lock.pid !== "number") continue;
    const process = identify(lock.pid);
    // Otherwise it has ended, and its pid may belong to another process by now.
    if (!isAlive(process) || Number(process.startTime) !== lock.startTime) continue;
    return {
      pid: lock.pid,
      port: typeof lock.port === "number" ? lock.port : undefined,
      configPath: typeof lock.configPath === "string" ? lock.configPath : undefined,
    };
  }
  return undefined;
}

function readConfig(path: string): JsonObject | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parse(text);
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON5.parse<Json>(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // the parser's message would repeat the file
  }
}

/** A regular file's text. It is another user's: it may be a pipe, or endless. */
function readText(path: string): string | undefined {
  try {
    if (!fs.statSync(path).isFile()) return undefined; // just opening a device may have an effect
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try {
      const stats = fs.fstatSync(file);
      return stats.isFile() && stats.size <= MAX_FILE_BYTES ? fs.readFileSync(file, "utf8") : undefined;
    } finally {
      fs.closeSync(file);
    }
  } catch {
    return undefined;
  }
}

const expandHome = (path: string, home: string): string => (path.startsWith("~/") ? join(home, path.slice(2)) : path);

interface ServiceUnit {
  readonly port: number | undefined;
  restart(uid: number): string;
}

/** The unit that `openclaw gateway install` writes, or a system unit of the documented name. */
function findUnit(profile: string, home: string): ServiceUnit | undefined {
  const name = `${serviceName(profile)}.service`;
  const ofUser = (uid: number): string =>
    uid === process.getuid?.()
      ? "systemctl --user"
      : `sudo -u '#${uid}' env XDG_RUNTIME_DIR=/run/user/${uid} systemctl --user`;
  for (const { path, isOfUsers } of unitDirectories(home)) {
    const text = readText(join(path, name));
    if (text === undefined) continue;
    const port = /^ExecStart=.*\s--port[= ](\d+)/m.exec(text)?.[1];
    return {
      port: port === undefined ? undefined : Number(port),
      restart: (uid) => `${isOfUsers ? ofUser(uid) : "systemctl"} restart ${name}`,
    };
  }
  return undefined;
}

/** With everything that determines which gateway it is, whatever the shell has set. */
const openclawCommand = (profile: string, stateDir: string, configPath: string): string =>
  "env -u OPENCLAW_GATEWAY_PORT " +
  (profile === "default" ? "-u OPENCLAW_PROFILE" : `OPENCLAW_PROFILE=${profile}`) +
  ` OPENCLAW_STATE_DIR=${stateDir} OPENCLAW_CONFIG_PATH=${configPath} openclaw`;

/** Every Telegram bot token that the gateway may use and that can be read from here. */
function botTokensOf(config: JsonObject, stateDir: string, pid: number | undefined): string[] {
  const env: NodeJS.Dict<string> = {
    ...parseEnv(readText(join(stateDir, ".env")) ?? ""),
    ...parseEnv(readText(join(stateDir, "gateway.systemd.env")) ?? ""),
    ...(pid !== undefined && environmentOf(pid)),
  };
  const telegram = valueAt(config, "channels.telegram");
  if (!isObject(telegram)) return []; // a token in the environment alone starts no bot
  const accounts = Object.values(objectAt(telegram, "accounts")).filter(isObject);
  const tokens = [telegram, ...accounts].map((account) =>
    typeof account.tokenFile === "string"
      ? readText(account.tokenFile)?.trim()
      : resolveSecret(account.botToken, config, env),
  );
  return [...new Set([...tokens, env[BOT_TOKEN_VARIABLE]])].filter(
    (token): token is string => token !== undefined && token !== "",
  );
}

function environmentOf(pid: number): NodeJS.Dict<string> {
  const variables = (readText(`/proc/${pid}/environ`) ?? "").split("\0").map((line) => /^([^=]+)=([^]*)$/.exec(line));
  return Object.fromEntries(variables.flatMap((match) => (match ? [[match[1]!, match[2]!]] : [])));
}

/** A secret in OpenClaw's configuration: plain, `${NAME}`, or a reference to the environment or a file. */
function resolveSecret(value: Json | undefined, config: JsonObject, env: NodeJS.Dict<string>): string | undefined {
  if (typeof value === "string") {
    const name = /^\$\{(\w+)\}$/.exec(value)?.[1];
    return name === undefined ? value : env[name];
  }
  if (!isObject(value)) return undefined;
  const { source, id } = value;
  if (source === "env") return typeof id === "string" ? env[id] : undefined;
  const provider = Object.entries(objectAt(config, "secrets.providers")).find(([name]) => name === value.provider)?.[1];
  if (source !== "file" || !isObject(provider) || typeof provider.path !== "string") return undefined;
  return readText(provider.path)?.trim();
}
