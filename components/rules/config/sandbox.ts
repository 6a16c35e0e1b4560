/** Sandboxes of agents: containers that OpenClaw itself starts, for which the gateway has to reach an engine. Pure. */
import { isObject, objectAt } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";

/** Backends that are programs beside the gateway, and the variable that leads each to an engine elsewhere. */
const BACKENDS: Readonly<Record<string, string>> = { docker: "DOCKER_HOST", podman: "CONTAINER_HOST" };
const DEFAULT_BACKEND = "docker";

interface Sandbox {
  /** Of the key that switches it on, or names its backend. */
  readonly at: string;
  /** A program on the gateway's machine. */
  readonly backend: string;
}

/** Sandboxes for which the gateway needs an engine on its machine. Source: docs/gateway/sandboxing of OpenClaw 2026.9.6. */
export function localSandboxes(config: JsonObject): Sandbox[] {
  const defaults = objectAt(config, "agents.defaults.sandbox");
  const agents = Object.entries(objectAt(config, "agents.entries")).map(
    ([id, agent]): readonly [string, JsonObject] => [
      `agents.entries.${id}.sandbox`,
      isObject(agent) ? objectAt(agent, "sandbox") : {},
    ],
  );
  return [["agents.defaults.sandbox", defaults] as const, ...agents].flatMap(([at, own]) => {
    const key = ["mode", "backend"].find((each) => own[each] !== undefined);
    const { mode = "off", backend = DEFAULT_BACKEND } = { ...defaults, ...own } as Record<string, Json>;
    const isLocal = typeof backend === "string" && backend in BACKENDS;
    return key !== undefined && mode !== "off" && isLocal ? [{ at: `${at}.${key}`, backend }] : [];
  });
}

/** In a container there is no engine, unless a variable leads to one elsewhere, and the image has its client. */
export const sandboxesInContainer = (config: JsonObject, env: readonly string[], path: string): Problem[] => {
  const known = [...env, ...Object.keys(objectAt(config, "env.vars"))];
  return localSandboxes(config)
    .filter(({ backend }) => !known.includes(BACKENDS[backend]!))
    .map(({ at, backend }) => ({
      path: `${path}.${at}`,
      reason: `needs ${backend} beside the gateway, and a container has none: every run of the agent would fail`,
      advice:
        'set mode to "off", use another backend (e.g. "ssh"), run the gateway on a host, or name an engine elsewhere in ' +
        `env.${BACKENDS[backend]}`,
    }));
};
