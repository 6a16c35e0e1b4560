/** Renders a gateway's openclaw.json. Pure and deterministic: the same arguments give the same bytes. */
import { isObject, objectAt, valueAt } from "../../model/json";
import { gatewayLogFile } from "../../model/hostLayout";
import type { Json, JsonObject } from "../../model/spec";
import type { Problem } from "./problems";
import { isUserId, type CheckedGatewayArgs } from "./schemas";
import { SecretName, GATEWAY_TOKEN_VARIABLE, BOT_TOKEN_VARIABLE } from "../../model/secrets";
import { defined } from "../../model/defined";

/** Configuration keys that the component controls, and what to use instead. */
export const OWNED_KEYS: readonly (readonly [key: string, advice: string])[] = [
  ["gateway.mode", "remove it: a gateway always runs in local mode"],
  ["gateway.port", "use the argument basePort"],
  ["gateway.bind", "remove it: the gateway listens on loopback; reach it through ssh -L"],
  ["gateway.customBindHost", "remove it: the gateway listens on loopback; reach it through ssh -L"],
  ["gateway.auth", "remove it: a token is generated and kept in the stack's state (output `token`)"],
  ["gateway.tailscale", "remove it: the gateway listens on loopback only"],
  ["agents.defaults.workspace", "use the argument workspace"],
  ["logging.file", "remove it: the log is <stateDir>/logs/openclaw.log"],
  ["channels.telegram.enabled", "use the argument telegram"],
  ["channels.telegram.botToken", "use the argument telegram.botToken"],
  ["channels.telegram.tokenFile", "use the argument telegram.botToken"],
  ["channels.telegram.allowFrom", "use the argument telegram.allowFrom"],
  ["channels.telegram.dmPolicy", "use the argument telegram.dmPolicy"],
  ["channels.telegram.apiRoot", "use the argument telegram.apiRoot"],
  ["channels.telegram.configWrites", "remove it: only Pulumi writes the configuration"],
  ["commands.ownerAllowFrom", "use the argument telegram.allowFrom"],
  ["browser.cdpUrl", "use the argument browser.cdpUrl"],
  ["browser.controlPort", "remove it: browser control is basePort + 2"],
];

/** What is wrong with a gateway's extra configuration. `path` is the path of the argument. */
export function checkConfig(config: JsonObject, path: string): Problem[] {
  const problems: Problem[] = OWNED_KEYS.filter(([key]) => valueAt(config, key) !== undefined).map(([key, advice]) => ({
    path: `${path}.${key}`,
    reason: "is owned by the gateway component",
    advice,
  }));
  for (const [name, profile] of Object.entries(objectAt(config, "browser.profiles"))) {
    for (const key of ["cdpPort", "cdpUrl"]) {
      if (isObject(profile) && key in profile)
        problems.push({
          path: `${path}.browser.profiles.${name}.${key}`,
          reason: "is owned by the gateway component",
          advice: `use the argument browser.profiles.${name}.${key}, which is checked against the other gateways`,
        });
    }
  }
  for (const key of plainSecrets(config)) {
    if (problems.some((problem) => problem.path === `${path}.${key}`)) continue;
    problems.push({
      path: `${path}.${key}`,
      reason: "would be stored in plain text in the configuration file and in the stack's state",
      advice:
        'move it to `env` and refer to it here with { source: "env", provider: "default", id: "NAME" } or ${NAME}',
    });
  }
  return problems;
}

/** Keys whose names show that their values are secrets. */
const SECRET_KEY = /(token|api_?key|password|secret|credentials?)$/i;

/** Paths of secrets that are given in plain text instead of by reference. */
function plainSecrets(value: Json, path: readonly string[] = []): string[] {
  if (typeof value === "string")
    return SECRET_KEY.test(path.at(-1) ?? "") && value !== "" && !value.startsWith("${") ? [path.join(".")] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => plainSecrets(item, [...path, String(index)]));
  return isObject(value) ? Object.entries(value).flatMap(([key, item]) => plainSecrets(item, [...path, key])) : [];
}

/** The parts of a gateway's configuration that depend on where it runs. */
export interface ConfigContext {
  readonly stateDir: string;
  readonly workspace: string;
  /** Where the gateway listens. */
  readonly port: number;
  readonly bind: "loopback" | "lan";
  /** How the configuration refers to one of the gateway's secrets. */
  readonly secret: (name: SecretName) => JsonObject;
  /** More keys that the place sets for good, and those that `config` may change. */
  readonly owned?: JsonObject;
  readonly defaults?: JsonObject;
}

/** The complete openclaw.json of a gateway, keys sorted. */
export function renderConfig(
  args: Pick<CheckedGatewayArgs, "telegram" | "browser" | "config">,
  place: ConfigContext,
): JsonObject {
  const owned: JsonObject = {
    gateway: {
      mode: "local",
      port: place.port,
      bind: place.bind,
      auth: { mode: "token", token: place.secret(GATEWAY_TOKEN_VARIABLE) },
    },
    agents: { defaults: { workspace: place.workspace } },
    logging: { file: gatewayLogFile(place.stateDir) },
  };
  // This package's defaults, which `config` may change.
  const defaults: JsonObject = {
    gateway: { reload: { mode: "off" } },
    update: { checkOnStart: false },
    discovery: { mdns: { mode: "off" } },
  };
  const { telegram, browser } = args;
  if (telegram) {
    owned.channels = {
      telegram: defined({
        enabled: true,
        botToken: place.secret(BOT_TOKEN_VARIABLE),
        dmPolicy: telegram.dmPolicy ?? (telegram.allowFrom?.length ? "allowlist" : "pairing"),
        configWrites: false,
        allowFrom: telegram.allowFrom,
        apiRoot: telegram.apiRoot,
      }),
    };
    const owners = (telegram.allowFrom ?? []).filter(isUserId);
    if (owners.length) owned.commands = { ownerAllowFrom: owners.map((id) => `telegram:${id}`) };
  }
  if (browser) {
    owned.browser = defined({
      cdpUrl: browser.cdpUrl,
      ...(browser.profiles && { profiles: browser.profiles as JsonObject }),
    });
  }
  const { defaults: placeDefaults = {}, owned: placeOwned = {} } = place;
  const layers = [placeDefaults, args.config ?? {}, owned, placeOwned];
  return sortKeys(layers.reduce(merge, defaults)) as JsonObject;
}

export const envReference = (variable: string): JsonObject => ({ source: "env", provider: "default", id: variable });

/** `over` wins; objects are merged, everything else is replaced. */
function merge(under: JsonObject, over: JsonObject): JsonObject {
  const result: JsonObject = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isObject(below) && isObject(value) ? merge(below, value) : value;
  }
  return result;
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key]!)]),
  );
}
