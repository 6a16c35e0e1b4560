/**
 * Names of a gateway's objects on a Docker engine, and where they are in its container. Pure; all of it is in the
 * state of deployed stacks, so that a change here replaces every container.
 */
import { adaptiveHeap, heapFlag } from "./heap";
import { DEFAULT_PORT } from "./ports";
import type { CheckRequest, ContainerLimits } from "./requests";

/** Where a gateway listens inside its container. */
export const CONTAINER_PORT = DEFAULT_PORT;
/** The sandbox host's port, inside. */
export const CONTAINER_SANDBOX_PORT = CONTAINER_PORT + 1;

/** User and group `node` of OpenClaw's image. Source: its Dockerfile. */
export const USER = 1000;

const STATE = "/home/node/.openclaw";
const CONFIG = "/etc/openclaw";
const SECRETS = "/etc/openclaw-secrets";

/** Where volumes are mounted, and what is on them. */
export const CONTAINER_PATHS = {
  state: STATE,
  workspace: `${STATE}/workspace`,
  config: CONFIG,
  configFile: `${CONFIG}/openclaw.json`,
  /** Succeeds if the gateway is healthy, with its version. */
  health: `${CONFIG}/health.mjs`,
  secrets: SECRETS,
  /** Variables of the gateway's process alone. */
  env: `${SECRETS}/env`,
} as const;

/** A file that holds one secret. */
export const secretFile = (name: string): string => `${SECRETS}/${name}`;

/** OpenClaw's own command in its image. Variables come from a file: those of the container are shown by `docker inspect`. */
export const COMMAND = [
  ...["node", `--env-file=${CONTAINER_PATHS.env}`, "dist/index.js", "gateway"],
  ...["--bind", "lan", "--port", `${CONTAINER_PORT}`],
];

/**
 * Ends the names of volumes with a configuration since there is a limit of the heap. A container with an older one keeps its
 * command: a newer version of this package recreates no container by itself.
 */
const WITH_HEAP = "-heap";

/** The name of a new volume with files. */
export const filesVolumeName = (container: string, role: "config" | "secrets", id: string): string =>
  `${container}-${role}-${id}${role === "config" ? WITH_HEAP : ""}`;

/** What a container with this configuration runs. */
export function containerCommand(
  config: string | undefined,
  { memoryMiB }: ContainerLimits,
  { maxOldSpaceSize: heap = adaptiveHeap(memoryMiB) }: Pick<CheckRequest, "maxOldSpaceSize">,
): string[] {
  if (!config?.endsWith(WITH_HEAP)) return COMMAND;
  const [node, ...rest] = COMMAND;
  return [node!, heapFlag(heap), ...rest];
}

export const WORKING_DIRECTORY = "/app";

/** Variables of everything in the container; none is secret. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: `${STATE}/home`,
  NODE_COMPILE_CACHE: `${STATE}/cache/node-compile`,
  OPENCLAW_CONFIG_PATH: CONTAINER_PATHS.configFile,
  OPENCLAW_CONFIG_READONLY: "1",
  OPENCLAW_DISABLE_BONJOUR: "1",
  OPENCLAW_NO_AUTO_UPDATE: "1",
  OPENCLAW_STATE_DIR: STATE,
};

/** The root is read-only. */
export const TMPFS = { "/tmp": "mode=1777" };

/** How long a gateway may take to stop. */
export const STOP_SECONDS = 60;

const label = (name: string): string => `pulumi-openclaw.${name}`;

/** Labels of everything that belongs to a gateway. */
export const LABELS = {
  /** organization/project/stack. */
  stack: label("stack"),
  /** Name of the gateway's Pulumi resource. */
  gateway: label("gateway"),
  /** Random id kept in the stack's state; only on what is not kept after a destroy. */
  owner: label("owner"),
  /** Of a volume with files, and of helper containers. */
  role: label("role"),
  /** Of a container: what it was made for. */
  generation: label("generation"),
  /** Of a container: the limits that it was created with, since anybody may change those of a running one. */
  limits: label("limits"),
  /** Of a volume with files: a hash of everything that it was made for. */
  digest: label("digest"),
} as const;

export const limitsLabel = ({ memoryMiB, cpus, pids }: ContainerLimits): string =>
  `memory ${memoryMiB} MiB, cpus ${cpus}, pids ${pids}`;

export type Role = "config" | "secrets" | "helper";

export const LOCAL_ENGINE = "unix:///var/run/docker.sock";

/** Docker's own command for an engine, as you would type it. */
export const dockerCommand = (host: string): string => (host === LOCAL_ENGINE ? "docker" : `docker -H ${host}`);

/** OpenClaw's own command line of a gateway in a container. */
export const execInContainer = (docker: string, container: string): string => `${docker} exec ${container} openclaw`;

/** Fixed names: a recreated stack finds its volumes. */
export const namesOf = (container: string) => ({
  container,
  network: container,
  state: `${container}-state`,
  workspace: `${container}-workspace`,
});

/** Docker's rule, within the length of a host name, since the container has it as its host name too. */
export const isContainerName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$/.test(name);

/** As the docker plugin reads it back: any other text is a change, which recreates the container. Source: its 5.2.0. */
export function cpusText(cpus: number): string {
  const digits = cpus.toFixed(9);
  return digits.split("0").length - 1 === 9 ? cpus.toFixed(1) : digits.replace(/0+$/, "");
}
