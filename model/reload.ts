/**
 * What a change of a running gateway's configuration costs: nothing, or a restart inside its process. OpenClaw decides; this is
 * what it will decide. Source: its own rules (`config-reload-plan` and the browser plugin in the package), 2026.9.6.
 */
import { isObject } from "./json";
import type { Json, JsonObject } from "./spec";

export type Cost = "nothing" | "live" | "restart";

/** What a deployment would change of a gateway that is there. */
export interface ExpectedChange {
  /** "process": another process takes its place. */
  readonly cost: Cost | "process";
  /** Keys of its configuration; for another process, arguments. */
  readonly paths: readonly string[];
  /** Why the deployment would refuse it. */
  readonly refusal?: Refusal;
}

/** In the words of a problem with one of its arguments. */
export interface Refusal {
  readonly property: string;
  readonly reason: string;
  readonly advice: string;
}

/** Versions whose rules these are. Of any other one it is not known what it applies live. */
const VERSIONS: ReadonlySet<string> = new Set(["2026.9.6"]);

/** The longest prefix of a path decides; a path that has none needs a restart. */
const LIVE = [
  "gateway.remote",
  "gateway.reload",
  // As long as `gateway.auth.mode` stays the same and is set, which it always is here.
  "gateway.auth.token",
  "gateway.auth.password",
  "gateway.http.endpoints",
  "gateway.http.securityHeaders.strictTransportSecurity",
  "gateway.tools",
  "gateway.cliAgents",
  "gateway.controlUi.enabled",
  "gateway.controlUi.environment",
  "gateway.controlUi.communityInvite",
  "gateway.controlUi.github",
  "gateway.controlUi.sessionObserver",
  "gateway.controlUi.embedSandbox",
  "gateway.controlUi.allowExternalEmbedUrls",
  "gateway.controlUi.automaticallyFetchFavicons",
  "gateway.controlUi.experimental.customPlugins",
  "gateway.controlUi.allowedOrigins",
  "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback",
  "gateway.nodes.browser",
  "gateway.nodes.pairing",
  "gateway.nodes.commands",
  "gateway.nodes.pluginTools.enabled",
  "gateway.nodes.allowSkills",
  "gateway.publicOrigin",
  "gateway.push.apns.relay",
  "gateway.terminal",
  "gateway.auth.rateLimit",
  "gateway.roles",
  "gateway.trustedProxies",
  "gateway.allowRealIpFallback",
  "gateway.auth.allowTailscale",
  "gateway.auth.identityScopes",
  "gateway.auth.trustedProxy",
  "discovery.mdns.mode",
  "mcp",
  "mcp.apps.sandboxOrigin",
  ...["profiles", "defaultProfile", "headless", "executablePath", "attachOnly", "cdpUrl", "noSandbox", "extraArgs"].map(
    (key) => `browser.${key}`,
  ),
  ...["snapshotDefaults", "tabCleanup", "allowSystemProfileImport"].map((key) => `browser.${key}`),
  ...[
    "accessGroups",
    "acp",
    "agent",
    "agents",
    "audio",
    "bindings",
    "broadcast",
    "channels",
    "cloudWorkers",
    "commands",
  ],
  ...["cron", "hooks", "identity", "logging", "messages", "meta", "models", "plugins", "routing", "secrets", "session"],
  ...["skills", "surfaces", "talk", "tools", "transcripts", "tts", "tui", "ui", "wizard", "worktreeAcceleration"],
  "approvals.exec",
  "approvals.plugin",
  "attachments.ttlHours",
  "auth.order",
  "auth.profiles",
  "desktop.host",
  "diagnostics.cacheTrace.enabled",
  "diagnostics.enabled",
  "diagnostics.flags",
  "memory.citations",
  "security.audit.suppressions",
  "security.installPolicy",
  "telemetry.consentedAt",
  "telemetry.enabled",
  "update.auto.enabled",
  "update.channel",
  "update.checkOnStart",
  "worktreeRoot",
];
const RESTART = ["gateway", "gateway.portals", "discovery", "browser", "mcp.apps", "secrets.egressProxy"];

/** A change of these starts the channels again that have read them. */
const SHARED_BY_CHANNELS = [
  "agents.defaults.mediaMaxMb",
  "channels.defaults",
  "channels.modelByChannel",
  "messages.inbound",
  "messages.ackReactionScope",
  "commands",
  "accessGroups",
  "tts",
  "surfaces",
  "acp.stream",
  "diagnostics.flags",
  "plugins",
];

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}.`);

/** Paths of the values that differ between two configurations. A list counts as one value. */
export function changedPaths(before: Json | undefined, after: Json | undefined, path = ""): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isTree = isObject(before) || isObject(after);
  const [former, next] = [before, after].map((each) => (isObject(each) ? each : {})) as [JsonObject, JsonObject];
  const keys = [...new Set([...Object.keys(former), ...Object.keys(next)])];
  if (!isTree || !keys.length) return [path];
  return keys.flatMap((key) => changedPaths(former[key], next[key], path ? `${path}.${key}` : key));
}

/** What it costs to change these paths of a gateway that runs this version. */
export function costOf(paths: readonly string[], version: string): Cost {
  if (!paths.length) return "nothing";
  return VERSIONS.has(version) && paths.every(isLive) ? "live" : "restart";
}

function isLive(path: string): boolean {
  const longest = (prefixes: readonly string[]): number =>
    Math.max(0, ...prefixes.filter((prefix) => isBelow(path, prefix)).map(({ length }) => length));
  return longest(LIVE) > longest(RESTART);
}

/** Whether a change of these paths may start channels again whose own configuration stays the same. */
export const touchesChannels = (paths: readonly string[]): boolean =>
  paths.some((path) => SHARED_BY_CHANNELS.some((prefix) => isBelow(path, prefix)));

/** Longer lists end in a number. */
const SHOWN_PATHS = 4;
export const pathsInShort = (paths: readonly string[]): string =>
  paths.length <= SHOWN_PATHS
    ? paths.join(", ")
    : `${paths.slice(0, SHOWN_PATHS).join(", ")} and ${paths.length - SHOWN_PATHS} more`;

/** What a change costs, in words. `version`: of what will run. */
export function costInWords({ cost, paths }: ExpectedChange, version: string): string {
  const what = pathsInShort(paths);
  if (cost === "live") return `changes while it runs, without a pause: ${what}`;
  if (cost === "process") return `stops, and starts again in a new process: ${what}`;
  return VERSIONS.has(version)
    ? `restarts inside its process, seconds without answers: ${what}`
    : `changes while it runs, or restarts inside its process, as OpenClaw ${version} decides: ${what}`;
}
