/** Variables that a configuration refers to: each must be there, or the gateway starts without what it stands for. Pure. */
import { isObject, objectAt, valueAt, walk } from "../../../model/json";
import { BOT_TOKEN_VARIABLE, GATEWAY_TOKEN_VARIABLE } from "../../../model/secrets";
import type { JsonObject } from "../../../model/spec";
import { didYouMean, type Problem } from "../problems";

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

/** References to variables that the gateway will not have. `env`: names of the argument. `path`: of the configuration. */
export function unknownVariables(config: JsonObject, env: readonly string[], path: string): Problem[] {
  // Then a login shell's variables are there too, and nobody knows them from here.
  if (valueAt(config, "env.shellEnv.enabled") === true) return [];
  const known = [...OF_EVERY_PROCESS, ...env, ...Object.keys(objectAt(config, "env.vars"))];
  return references(config)
    .filter(({ name }) => !known.includes(name))
    .map(({ at, name }) => ({
      path: `${path}.${at}`,
      reason: `refers to the variable ${name}, which the gateway does not have`,
      advice: didYouMean(name, env) ?? adviceFor(name),
    }));
}

/** Names of OpenClaw's own are refused in `env`. */
const adviceFor = (name: string): string =>
  name.startsWith("OPENCLAW_")
    ? `use a name that is not OpenClaw's own, e.g. ${name.slice("OPENCLAW_".length)}, here and in \`env\``
    : `add ${name} to \`env\``;

/** Every variable that a configuration names, and where. */
export function references(config: JsonObject): { readonly at: string; readonly name: string }[] {
  return walk(config).flatMap(({ path, value }) => {
    const at = path.join(".");
    if (typeof value === "string")
      return [...value.matchAll(REFERENCE)]
        .filter(([whole]) => !whole.startsWith("$$"))
        .map(([, name]) => ({ at, name: name! }));
    return isObject(value) && value.source === "env" && typeof value.id === "string" ? [{ at, name: value.id }] : [];
  });
}
