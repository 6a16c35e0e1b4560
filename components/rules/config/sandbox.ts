/** Sandboxes of agents: containers that OpenClaw itself starts, for which the gateway has to reach an engine. Pure. */
import { isObject, objectAt } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";
import type { ResolvedGateway } from "../resolve";

/** Backends that are programs beside the gateway, and the variable that leads each to an engine elsewhere. */
const BACKENDS: Readonly<Record<string, string>> = { docker: "DOCKER_HOST", podman: "CONTAINER_HOST" };
const DEFAULT_BACKEND = "docker";

export interface Sandbox {
  /** Of the key that switches it on, or names its backend. */
  readonly at: string;
  /** A program on the gateway's machine. */
  readonly backend: string;
}

/** Sandboxes for which the gateway needs an engine on its machine. Source: docs/gateway/sandboxing of OpenClaw 2026.9.6. */
function localSandboxes(config: JsonObject): Sandbox[] {
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

/** Those that no variable leads to an engine elsewhere. */
export function sandboxesHere(config: JsonObject, env: readonly string[]): Sandbox[] {
  const known = [...env, ...Object.keys(objectAt(config, "env.vars"))];
  return localSandboxes(config).filter(({ backend }) => !known.includes(BACKENDS[backend]!));
}

/** In a container there is no engine; one elsewhere is for an image with its client. */
export const sandboxesInContainer = (config: JsonObject, env: readonly string[], path: string): Problem[] =>
  sandboxesHere(config, env).map(({ at, backend }) => ({
    path: `${path}.${at}`,
    reason: `needs ${backend} beside the gateway, and a container has none: every run of the agent would fail`,
    advice:
      'set mode to "off", use another backend (e.g. "ssh"), run the gateway on a host, or name an engine elsewhere in ' +
      `env.${BACKENDS[backend]}`,
  }));

/** Why sandboxes of a gateway on a host cannot start, as far as that is known. `programs`: of the host; `account`: that it runs as. */
export const sandboxWarnings = (
  { label, sandboxes = [] }: Pick<ResolvedGateway, "label" | "sandboxes">,
  programs: readonly string[],
  { name: account, groups }: { readonly name: string; readonly groups: readonly string[] },
): string[] =>
  sandboxes.flatMap(({ at, backend }) => {
    const cannot = (why: string): string[] => [
      `${label}: config.${at} needs ${backend}, which ${why}: every run of the agent will fail`,
    ];
    if (!programs.includes(backend)) return cannot("is not installed on the host");
    if (backend === "podman" || account === "root" || groups.includes("docker")) return [];
    return cannot(
      `${account} may not use (usermod -aG docker ${account}, which makes whoever commands the agent root)`,
    );
  });
