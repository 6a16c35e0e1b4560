/** Variables that a configuration refers to: each must be there, or the gateway starts without what it stands for. Pure. */
import { isObject, objectAt, valueAt, walk } from "../../../model/json";
import { BOT_TOKEN_VARIABLE, GATEWAY_TOKEN_VARIABLE } from "../../../model/secrets";
import type { JsonObject } from "../../../model/spec";
import { didYouMean, type Problem } from "../problems";
import { takesSecret } from "./secretPlaces";

/** As OpenClaw reads it: `$${NAME}` is no reference. Source: its own substitution, 2026.9.6. */
const REFERENCE = /\$?\$\{([A-Z_][A-Z0-9_]*)\}/g;

/** Whether a text has one in it. */
export const hasReference = (text: string): boolean => text.search(REFERENCE) >= 0;

/** What every gateway's process has. Source: host/environment.ts, model/containerLayout.ts. */
const OF_EVERY_PROCESS = [
  "HOME",
  "PATH",
  "USER",
  "LOGNAME",
  "LANG",
  "HOSTNAME",
  "OPENCLAW_STATE_DIR",
  "OPENCLAW_CONFIG_PATH",
  "OPENCLAW_PROFILE",
  GATEWAY_TOKEN_VARIABLE,
  BOT_TOKEN_VARIABLE,
];

/** References to what the gateway will not have. `given`: names of variables and secrets. `path`: of the configuration. */
export function unknownVariables(config: JsonObject, given: readonly string[], path: string): Problem[] {
  // Then a login shell's variables are there too, and nobody knows them from here.
  if (valueAt(config, "env.shellEnv.enabled") === true) return [];
  const known = [...OF_EVERY_PROCESS, ...given, ...Object.keys(objectAt(config, "env.vars"))];
  return references(config)
    .filter(({ name }) => !known.includes(name))
    .map(({ keys, at, name }) => ({
      path: `${path}.${at}`,
      reason: `refers to the variable ${name}, which the gateway does not have`,
      advice: didYouMean(name, given) ?? adviceFor(keys, name),
    }));
}

/** Names of OpenClaw's own are refused in both. */
function adviceFor(keys: readonly string[], name: string): string {
  const where = takesSecret(keys) ? "secrets" : "env";
  return name.startsWith("OPENCLAW_")
    ? `use a name that is not OpenClaw's own, e.g. ${name.slice("OPENCLAW_".length)}, here and in \`${where}\``
    : `add ${name} to \`${where}\``;
}

interface Reference {
  readonly keys: readonly string[];
  /** The same, as one path. */
  readonly at: string;
  readonly name: string;
  /** It is the whole value. */
  readonly isWhole: boolean;
}

/** Every variable or secret that a configuration names, and where. */
export function references(config: JsonObject): Reference[] {
  return walk(config).flatMap(({ path: keys, value }) => {
    const at = keys.join(".");
    if (typeof value === "string")
      return [...value.matchAll(REFERENCE)]
        .filter(([whole]) => !whole.startsWith("$$"))
        .map(([whole, name]) => ({ keys, at, name: name!, isWhole: whole === value }));
    return isObject(value) && value.source === "env" && typeof value.id === "string"
      ? [{ keys, at, name: value.id, isWhole: false }]
      : [];
  });
}

/** Secrets that are referred to where only variables are read, or nowhere. `path`: of the gateway's arguments. */
export function misplacedSecrets(
  config: JsonObject,
  { secrets: names, env }: { readonly secrets: readonly string[]; readonly env: readonly string[] },
  path: string,
): Problem[] {
  const all = references(config);
  const used = all.filter(({ name }) => names.includes(name));
  const elsewhere = used.filter(({ keys, isWhole }) => !isWhole || !takesSecret(keys));
  const unused = names.filter((name) => !used.some((each) => each.name === name));
  const others = all.map(({ name }) => name).filter((name) => !names.includes(name));
  return [
    ...names
      .filter((name) => env.includes(name))
      .map((name) => ({
        path: `${path}.secrets.${name}`,
        reason: "is in `env`, too",
        advice: "remove one of them: in `env` it is a variable of the gateway's process, in `secrets` it is not",
      })),
    ...elsewhere.map(({ at, name }) => ({
      path: `${path}.config.${at}`,
      reason: `refers to ${name}, which is in \`secrets\`: OpenClaw reads only a variable here`,
      advice: `move ${name} to \`env\``,
    })),
    ...unused.map((name) => ({
      path: `${path}.secrets.${name}`,
      reason: "is not used: `config` does not refer to it",
      advice:
        didYouMean(name, others) ??
        `write \${${name}} where OpenClaw takes a secret (docs/configuration.md), or move it to \`env\` if it is for a program`,
    })),
  ];
}
