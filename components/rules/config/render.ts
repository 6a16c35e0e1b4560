/** Renders a gateway's openclaw.json. Pure and deterministic: the same arguments give the same bytes. */
import { isObject, valueAt } from "../../../model/json";
import { gatewayLogFile } from "../../../model/hostLayout";
import type { Json, JsonObject } from "../../../model/spec";
import { trustedPlugins } from "./plugins";
import { proxySignIn, signsIn } from "../expose";
import { isUserId, type CheckedGatewayArgs } from "../schemas";
import { BOT_TOKEN_VARIABLE, tokenVariable } from "../../../model/secrets";
import { withSecrets } from "./secretPlaces";
import { defined } from "../../../model/defined";

/** The parts of a gateway's configuration that depend on where it runs. */
export interface ConfigContext {
  readonly stateDir: string;
  readonly workspace: string;
  /** Where the gateway listens. */
  readonly port: number;
  readonly bind: "loopback" | "lan";
  /** How the configuration refers to one of the gateway's secrets. */
  readonly secret: (name: string) => JsonObject;
  /** Whether its configuration is changed while it runs. */
  readonly isChangedLive?: boolean;
  /** More keys that the place sets for good, and those that `config` may change. */
  readonly owned?: JsonObject;
  readonly defaults?: JsonObject;
}

type Args = Pick<CheckedGatewayArgs, "telegram" | "browser" | "config" | "expose" | "secrets">;

/** The complete openclaw.json of a gateway, keys sorted. */
export function renderConfig(args: Args, place: ConfigContext): JsonObject {
  // This package's defaults, which `config` may change.
  const defaults: JsonObject = {
    ...(!place.isChangedLive && { gateway: { reload: { mode: "off" } } }),
    update: { checkOnStart: false },
    discovery: { mdns: { mode: "off" } },
    ...trustedPlugins(args.config ?? {}),
  };
  const config = withSecrets(args.config ?? {}, Object.keys(args.secrets ?? {}), place.secret);
  const layers = [place.defaults ?? {}, config, ownConfig(args, place)];
  const owners = commandOwners(args);
  if (owners.length) layers.push({ commands: { ownerAllowFrom: owners } });
  return sortKeys(layers.reduce(merge, defaults)) as JsonObject;
}

/** What the component sets for good. */
export function ownConfig({ telegram, browser, expose }: Args, place: ConfigContext): JsonObject {
  const token = place.secret(tokenVariable(signsIn(expose)));
  const own: JsonObject = {
    gateway: {
      mode: "local",
      port: place.port,
      bind: place.bind,
      auth: signsIn(expose) ? { ...proxySignIn(expose!), password: token } : { mode: "token", token },
      ...(place.isChangedLive && { reload: { mode: "hybrid" } }),
    },
    agents: { defaults: { workspace: place.workspace } },
    logging: { file: gatewayLogFile(place.stateDir) },
  };
  if (telegram) {
    own.channels = {
      telegram: defined({
        enabled: true,
        botToken: telegram.tokenFile === undefined ? place.secret(BOT_TOKEN_VARIABLE) : undefined,
        tokenFile: telegram.tokenFile,
        dmPolicy: telegram.dmPolicy ?? (telegram.allowFrom?.length ? "allowlist" : "pairing"),
        configWrites: false,
        allowFrom: telegram.allowFrom,
        apiRoot: telegram.apiRoot,
      }),
    };
  }
  if (browser) {
    own.browser = defined({
      cdpUrl: browser.cdpUrl,
      ...(browser.profiles && { profiles: browser.profiles as JsonObject }),
    });
  }
  return merge(own, place.owned ?? {});
}

/** Who owns the gateway's commands: those whom its Telegram bot admits by id, and whoever `config` names. */
export const commandOwners = ({ telegram, config = {} }: Pick<CheckedGatewayArgs, "telegram" | "config">): Json[] => {
  const named = valueAt(config, "commands.ownerAllowFrom");
  const ofTelegram = (telegram?.allowFrom ?? []).filter(isUserId).map((id) => `telegram:${id}`);
  return [...new Set([...ofTelegram, ...(Array.isArray(named) ? named : [])])];
};

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
