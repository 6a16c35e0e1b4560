/** Renders a gateway's openclaw.json. Pure and deterministic: the same arguments give the same bytes. */
import { isObject, objectAt, valueAt } from "../../model/json";
import { gatewayLogFile, GATEWAY_TOKEN_VARIABLE } from "../../model/hostLayout";
import type { Json, JsonObject } from "../../model/spec";
import type { Problem } from "./problems";
import { isUserId, type CheckedGatewayArgs } from "./schemas";

export const BOT_TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN";

/** Configuration keys that a component argument decides, and what to use instead. */
export const OWNED_KEYS: readonly (readonly [key: string, advice: string])[] = [
  ["gateway.mode", "remove it: a gateway is always run in mode local"],
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
  ["channels.telegram.configWrites", "remove it: the configuration is written by Pulumi only"],
  ["commands.ownerAllowFrom", "use the argument telegram.allowFrom"],
  ["browser.cdpUrl", "use the argument browser.cdpUrl"],
  ["browser.controlPort", "remove it: browser control is basePort + 2"],
];

/** What is wrong with the extra configuration of a gateway. `path` is where the argument stands. */
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
      reason: "would stand in plain text in the configuration file and in the stack's state",
      advice: 'put it into `env` and write { source: "env", provider: "default", id: "NAME" } here, or ${NAME}',
    });
  }
  return problems;
}

/** Keys whose text is a secret by its name. */
const SECRET_KEY = /(token|api_?key|password|secret|credentials?)$/i;

/** Paths of secrets that are written out instead of referred to. */
function plainSecrets(value: Json, path: readonly string[] = []): string[] {
  if (typeof value === "string")
    return SECRET_KEY.test(path.at(-1) ?? "") && value !== "" && !value.startsWith("${") ? [path.join(".")] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => plainSecrets(item, [...path, String(index)]));
  return isObject(value) ? Object.entries(value).flatMap(([key, item]) => plainSecrets(item, [...path, key])) : [];
}

/** What the place of a gateway decides about its configuration. */
export interface Surroundings {
  readonly stateDir: string;
  readonly workspace: string;
  /** Where the gateway listens. */
  readonly port: number;
  readonly bind: "loopback" | "lan";
  /** How the configuration names a secret of the gateway. */
  readonly secret: (name: SecretName) => JsonObject;
  /** Further keys that the place owns, and those that `config` may change. */
  readonly owned?: JsonObject;
  readonly defaults?: JsonObject;
}

/** Secrets that the configuration of a gateway refers to, by the variables that hold them on a host. */
export type SecretName = typeof GATEWAY_TOKEN_VARIABLE | typeof BOT_TOKEN_VARIABLE;

/** The complete openclaw.json of a gateway, keys sorted. */
export function renderConfig(
  args: Pick<CheckedGatewayArgs, "telegram" | "browser" | "config">,
  place: Surroundings,
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
  // What the product prefers and `config` may change.
  const defaults: JsonObject = {
    gateway: { reload: { mode: "off" } },
    update: { checkOnStart: false },
    discovery: { mdns: { mode: "off" } },
  };
  const { telegram, browser } = args;
  if (telegram) {
    owned.channels = {
      telegram: {
        enabled: true,
        botToken: place.secret(BOT_TOKEN_VARIABLE),
        dmPolicy: telegram.dmPolicy ?? (telegram.allowFrom?.length ? "allowlist" : "pairing"),
        configWrites: false,
        ...(telegram.allowFrom && { allowFrom: telegram.allowFrom }),
        ...(telegram.apiRoot !== undefined && { apiRoot: telegram.apiRoot }),
      },
    };
    const owners = (telegram.allowFrom ?? []).filter(isUserId);
    if (owners.length) owned.commands = { ownerAllowFrom: owners.map((id) => `telegram:${id}`) };
  }
  if (browser) {
    owned.browser = {
      ...(browser.cdpUrl !== undefined && { cdpUrl: browser.cdpUrl }),
      ...(browser.profiles && { profiles: browser.profiles as JsonObject }),
    };
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
