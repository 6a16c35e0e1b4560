/** Keys that decide which gateway this is, who reaches it and who commands it: the component sets them. Pure. */
import { defined } from "../../../model/defined";
import { isObject, objectAt, valueAt } from "../../../model/json";
import { SECRETS_PROVIDER } from "../../../model/secrets";
import type { Json, JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";

interface OwnedKey {
  readonly key: string;
  readonly reason: string;
  readonly advice: string;
  /** What it means that the component leaves it out. */
  readonly absent?: Json | undefined;
  /** What is said instead of a value for which that is not true. */
  readonly unlike?: (value: Json, isContainer: boolean) => Words | undefined;
}

type Words = Partial<Pick<OwnedKey, "reason" | "advice">>;

const own = (key: string, reason: string, advice: string): OwnedKey => ({ key, reason, advice });
const useArgument = (key: string, argument: string, absent?: Json): OwnedKey =>
  defined({ ...own(key, `is set by the argument ${argument}`, `use the argument ${argument}`), absent });

const ONE_TOKEN = "clients authenticate with the token that the component generates (output `token`)";

const FROM_TAILNET = "remove it, and run `tailscale serve` on the engine's machine: docs/reach.md";

/** `expose.lan` is not what each of them stands for. */
function bindWords(value: Json, isContainer: boolean): Words | undefined {
  if (value === "tailnet")
    return { advice: isContainer ? FROM_TAILNET : 'use the argument expose: { tailscale: "serve" }' };
  if (value !== "loopback" && value !== "auto") return undefined;
  return isContainer
    ? {
        reason: "would be the loopback of the container itself, where nobody reaches it",
        advice: "remove it: without expose.lan its port is published on the loopback of the engine's machine only",
      }
    : { advice: "remove it: without expose.lan the gateway listens on loopback only" };
}

/** A container has no Tailscale, and no address is on the internet by itself. */
function tailscaleWords(value: Json, isContainer: boolean): Words | undefined {
  if (isContainer) return { reason: "needs Tailscale, which a container does not have", advice: FROM_TAILNET };
  return value === "funnel"
    ? {
        reason: "would put the gateway on the internet, with only the token as protection",
        advice: 'use the argument expose: { tailscale: "serve" }, or for the internet a proxy in front: docs/reach.md',
      }
    : undefined;
}

/** Those of every gateway. */
export const OWNED_KEYS: readonly OwnedKey[] = [
  own("gateway.mode", "a gateway of this package always runs in local mode", "remove it"),
  useArgument("gateway.port", "basePort"),
  { ...useArgument("gateway.bind", "expose.lan"), unlike: bindWords },
  useArgument("gateway.customBindHost", "expose.lan"),
  own("gateway.auth.mode", ONE_TOKEN, "remove it; where a proxy signs people in, use the argument expose.proxy"),
  useArgument("gateway.auth.trustedProxy", "expose.proxy"),
  ...["token", "password"].map((key) => own(`gateway.auth.${key}`, ONE_TOKEN, "remove it")),
  useArgument("gateway.tls", "expose.tls", { enabled: false }),
  { ...useArgument("gateway.tailscale.mode", "expose.tailscale", "off"), unlike: tailscaleWords },
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

/**
 * Keys of a program's configuration that the component decides otherwise. What says the same as the component is fine.
 * `ours`: what the component sets. `path`: of the program's.
 */
export function decidedOtherwise(
  config: JsonObject,
  ours: JsonObject,
  { path, isContainer }: { readonly path: string; readonly isContainer: boolean },
): Problem[] {
  const keys = [...OWNED_KEYS, ...onlyWith(ours), ...defaultWorkspaces(config), ...browserProfiles(config)];
  return keys
    .filter(({ key, absent }) => !isPartOf(valueAt(config, key), valueAt(ours, key) ?? absent))
    .map(({ key, reason, advice, unlike }) => ({
      path: `${path}.${key}`,
      reason,
      advice,
      ...unlike?.(valueAt(config, key)!, isContainer),
    }));
}

/** Keys that belong to a component that sets them, and to the program otherwise. */
function onlyWith(ours: JsonObject): OwnedKey[] {
  const isThere = (key: string): boolean => valueAt(ours, key) !== undefined;
  return [
    ...(isThere("gateway.reload")
      ? [
          own("gateway.reload.mode", "a changed configuration comes into force while the gateway runs", "remove it"),
          own(
            `secrets.providers.${SECRETS_PROVIDER}`,
            "that name is for the component's own secrets",
            "use another name",
          ),
        ]
      : []),
    ...(isThere("gateway.trustedProxies") ? [useArgument("gateway.trustedProxies", "expose.proxy")] : []),
    // Only on the tailnet does it let anybody in.
    ...(isThere("gateway.tailscale")
      ? []
      : [
          {
            ...useArgument("gateway.auth.allowTailscale", "expose.tailscale", false),
            unlike: (_: Json, isContainer: boolean) => (isContainer ? tailscaleWords(_, true) : undefined),
          },
        ]),
  ];
}

/** Agents whose workspace is the gateway's. Source: OpenClaw 2026.9.6: the one that says so, or else `main`. */
export function defaultAgents(config: JsonObject): string[] {
  const agents = Object.entries(objectAt(config, "agents.entries"));
  const named = agents.filter(([, agent]) => isObject(agent) && agent.default === true).map(([id]) => id);
  return named.length ? named : ["main"];
}

const defaultWorkspaces = (config: JsonObject): OwnedKey[] =>
  defaultAgents(config).map((id) => useArgument(`agents.entries.${id}.workspace`, "workspace"));

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
