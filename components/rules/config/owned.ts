/** Keys that decide which gateway this is, who reaches it and who commands it: the component sets them. Pure. */
import { isObject, objectAt, valueAt } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";

interface OwnedKey {
  readonly key: string;
  readonly reason: string;
  readonly advice: string;
}

const own = (key: string, reason: string, advice: string): OwnedKey => ({ key, reason, advice });
const useArgument = (key: string, argument: string): OwnedKey =>
  own(key, `is set by the argument ${argument}`, `use the argument ${argument}`);

const ONE_TOKEN = "clients authenticate with the token that the component generates (output `token`)";
const HOW_TO_REACH = "remove it; from elsewhere, use ssh -L, or a proxy or `tailscale serve` on the same machine";
const WHO_LISTENS: readonly OwnedKey[] = ["gateway.bind", "gateway.customBindHost"].map((key) =>
  own(key, "the gateway listens on loopback only", HOW_TO_REACH),
);
const WHO_PUBLISHES: readonly OwnedKey[] = ["gateway.bind", "gateway.customBindHost"].map((key) =>
  own(
    key,
    "in a container, the gateway listens on the container's own network",
    "use publishAddress of the DockerEngine",
  ),
);

const COMMON: readonly OwnedKey[] = [
  own("gateway.mode", "a gateway of this package always runs in local mode", "remove it"),
  useArgument("gateway.port", "basePort"),
  ...["mode", "token", "password", "trustedProxy", "allowTailscale"].map((key) =>
    own(`gateway.auth.${key}`, ONE_TOKEN, "remove it"),
  ),
  own("gateway.tls.enabled", "health checks, commands and the partner speak HTTP with the gateway", HOW_TO_REACH),
  own("gateway.tailscale", "OpenClaw would change this machine's Tailscale itself", HOW_TO_REACH),
  useArgument("agents.defaults.workspace", "workspace"),
  own("logging.file", "the log is <stateDir>/logs/openclaw.log", "remove it"),
  useArgument("channels.telegram.enabled", "telegram"),
  useArgument("channels.telegram.botToken", "telegram.botToken"),
  useArgument("channels.telegram.tokenFile", "telegram.tokenFile"),
  useArgument("channels.telegram.allowFrom", "telegram.allowFrom"),
  useArgument("channels.telegram.dmPolicy", "telegram.dmPolicy"),
  useArgument("channels.telegram.apiRoot", "telegram.apiRoot"),
  own("channels.telegram.configWrites", "only Pulumi writes the configuration", "remove it"),
  useArgument("browser.cdpUrl", "browser.cdpUrl"),
  own("browser.controlPort", "browser control is on basePort + 2", "remove it"),
];

/** The keys of a gateway on a host or in a container. */
export const ownedKeys = (isContainer: boolean): readonly OwnedKey[] => [
  ...(isContainer ? WHO_PUBLISHES : WHO_LISTENS),
  ...COMMON,
];

/**
 * Keys of a program's configuration that the component decides otherwise. What says the same as the component is fine.
 * `ours`: what the component sets. `path`: of the program's.
 */
export function decidedOtherwise(config: JsonObject, ours: JsonObject, path: string, isContainer: boolean): Problem[] {
  const keys = [...ownedKeys(isContainer), ...defaultAgents(config), ...browserProfiles(config)];
  return keys
    .filter(({ key }) => !isPartOf(valueAt(config, key), valueAt(ours, key)))
    .map(({ key, ...problem }) => ({ path: `${path}.${key}`, ...problem }));
}

/** The default agent's workspace is the gateway's. Source: OpenClaw 2026.9.6: the one that says so, or else `main`. */
function defaultAgents(config: JsonObject): OwnedKey[] {
  const agents = Object.entries(objectAt(config, "agents.entries"));
  const named = agents.filter(([, agent]) => isObject(agent) && agent.default === true).map(([id]) => id);
  return (named.length ? named : ["main"]).map((id) => useArgument(`agents.entries.${id}.workspace`, "workspace"));
}

const browserProfiles = (config: JsonObject): OwnedKey[] =>
  Object.keys(objectAt(config, "browser.profiles")).flatMap((name) =>
    ["cdpPort", "cdpUrl"].map((key) => {
      const argument = `browser.profiles.${name}.${key}`;
      return own(argument, "is checked against other gateways as an argument", `use the argument ${argument}`);
    }),
  );

/** Whether everything in a value is in another one too. */
function isPartOf(value: Json | undefined, whole: Json | undefined): boolean {
  if (value === undefined) return true;
  if (isObject(value) && isObject(whole))
    return Object.entries(value).every(([key, inner]) => isPartOf(inner, whole[key]));
  return JSON.stringify(value) === JSON.stringify(whole);
}
