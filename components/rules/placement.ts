/** What depends on the kind of place that gateways run in: their directories, names and ports. Pure. */
import { posix } from "node:path";
import {
  CONTAINER_PORT,
  CONTAINER_PATHS,
  isContainerName,
  execInContainer,
  secretFile,
} from "../../model/containerLayout";
import {
  configFile,
  defaultStateDir,
  defaultWorkspace,
  gatewayId,
  manageDir,
  serviceName,
  wrapperName,
  type HostLayout,
} from "../../model/hostLayout";
import type { JsonObject } from "../../model/spec";
import type { ConfigContext } from "./config/render";
import { heapConflicts } from "./heap";
import { derivePorts, portBlock } from "../../model/ports";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";
import type { CheckedGatewayArgs } from "./schemas";
import { defined } from "../../model/defined";
import { exposed, lanAddress, reachedAt, schemeOf, signsIn, type Expose } from "./expose";
import { BOT_TOKEN_VARIABLE, fileReference, tokenVariable } from "../../model/secrets";
import { onlyInContainers, surroundingsOf } from "./surroundings";

/** A Docker engine, as its gateways see it: plain facts, known before anything is touched. */
export interface ContainerLayout {
  readonly kind: "container";
  /** Prefix of the names of all containers, networks and volumes of a stack. */
  readonly prefix: string;
  /** The docker command for the engine, as typed in a shell. */
  readonly docker: string;
  /** Whether the port of the sandbox host is published too. */
  readonly sandboxPort: boolean;
  /** Memory of each container, in MiB. */
  readonly memory: number;
}

/** A host's layout is stored on the host, where it has no kind. */
export type Layout = (HostLayout & { readonly kind?: undefined }) | ContainerLayout;

interface Asked {
  readonly label: string;
  readonly name: string;
  readonly profile: string;
  readonly args: CheckedGatewayArgs;
}

type Facts = Pick<
  ResolvedGateway,
  | "ports"
  | "portRange"
  | "isContainer"
  | "lanAddress"
  | "url"
  | "stateDir"
  | "workspace"
  | "configPath"
  | "wrapper"
  | "serviceName"
  | "surroundings"
>;

interface Placement {
  readonly facts: Facts;
  readonly context: Omit<ConfigContext, "stateDir" | "workspace">;
  readonly problems: readonly Problem[];
}

export const placementOf = (layout: Layout, asked: Asked): Placement =>
  layout.kind === "container" ? inContainer(layout, asked) : onHost(layout, asked);

function onHost(layout: HostLayout, { label, profile, args }: Asked): Placement {
  const { expose = {} } = args;
  const id = gatewayId(profile);
  const stateDir = args.stateDir ?? defaultStateDir(layout.root, profile);
  return {
    facts: {
      ports: derivePorts(args.basePort),
      portRange: portBlock(args.basePort),
      ...lanOf(expose),
      url: `${schemeOf(expose)}://127.0.0.1:${args.basePort}`,
      stateDir,
      workspace: args.workspace ?? defaultWorkspace(stateDir),
      configPath: args.configPath ?? configFile(manageDir(layout.root), id),
      wrapper: posix.join(layout.binDir, wrapperName(id)),
      serviceName: serviceName(profile),
    },
    context: {
      port: args.basePort,
      bind: "loopback",
      secret: fileReference,
      isChangedLive: true,
      ...exposed(expose, { port: args.basePort, isContainer: false }),
    },
    problems: onlyInContainers(args, label),
  };
}

/** Every container has the same paths and ports inside: only what it publishes can collide. */
function inContainer(layout: ContainerLayout, asked: Asked): Placement {
  const { name, args } = asked;
  const { prefix, docker, sandboxPort, memory } = layout;
  const { basePort, expose = {} } = args;
  const { owned, defaults } = exposed(expose, { port: basePort, isContainer: true });
  const container = `${prefix}-${name}`;
  const inside = derivePorts(CONTAINER_PORT);
  const surroundings = surroundingsOf(args);
  return {
    facts: {
      // As reached from the engine's machine; the other ports exist only inside the container.
      ports: { ...inside, gateway: basePort, canvas: basePort, ...(sandboxPort && { sandbox: basePort + 1 }) },
      portRange: { first: basePort, last: sandboxPort ? basePort + 1 : basePort },
      isContainer: true,
      ...lanOf(expose),
      url: `${schemeOf(expose)}://${reachedAt(lanAddress(expose))}:${basePort}`,
      stateDir: CONTAINER_PATHS.state,
      workspace: CONTAINER_PATHS.workspace,
      configPath: CONTAINER_PATHS.configFile,
      wrapper: execInContainer(docker, container),
      serviceName: container,
      ...(surroundings && { surroundings }),
    },
    context: {
      port: CONTAINER_PORT,
      bind: "lan",
      secret: (name) => ({ source: "file", provider: providerOf(name), id: "value" }),
      owned: { ...owned, secrets: { providers: providersOf(args) } },
      defaults,
    },
    problems: refusedInContainer(asked, container, memory),
  };
}

/** Arguments that mean something else in a container, or nothing. */
function refusedInContainer({ label, args }: Asked, container: string, memory: number): Problem[] {
  const problems = (["stateDir", "workspace", "configPath"] as const)
    .filter((property) => args[property] !== undefined)
    .map((property) => ({
      path: `${label}.${property}`,
      reason: "cannot be set for a gateway in a container: its volumes are mounted at fixed paths",
      advice:
        property === "workspace"
          ? `remove it; or mount a directory there: mounts: [{ source, target: "${CONTAINER_PATHS.workspace}" }]`
          : "remove it",
    }));
  if (args.telegram?.tokenFile !== undefined)
    problems.push({
      path: `${label}.telegram.tokenFile`,
      reason: "cannot be read in a container, which sees no file of the engine's machine",
      advice: "use telegram.botToken",
    });
  for (const property of ["backups", "restoreFrom", "purge"] as const)
    if (args[property] !== undefined)
      problems.push({
        path: `${label}.${property}`,
        reason: "is of gateways on hosts: a container's state is in its volumes, of which no recovery points are made",
        advice: "remove it; back up and remove the volumes yourself (docs/containers.md)",
      });
  if (args.plugins !== undefined)
    problems.push({
      path: `${label}.plugins`,
      reason: "cannot be installed into a container, whose programs are those of its image",
      advice: "remove it: build an image with them, and name its `repository` in the DockerEngine",
    });
  for (const { property, ...problem } of heapConflicts(args.maxOldSpaceSize, "container", memory))
    problems.push({ path: `${label}.${property}`, ...problem });
  if (!isContainerName(container))
    problems.push({
      path: label,
      reason: `its container would be called "${container}", which Docker does not allow`,
      advice:
        "use a gateway name of letters, digits, _, . and -, short enough that the container's name has at most 63 characters",
    });
  return problems;
}

const providerOf = (name: string): string => name.toLowerCase();

/** Files hold the secrets: `docker inspect` would show environment variables. */
function providersOf({ telegram, expose, secrets = {} }: CheckedGatewayArgs): JsonObject {
  const names = [
    tokenVariable(signsIn(expose)),
    ...(telegram?.botToken === undefined ? [] : [BOT_TOKEN_VARIABLE]),
    ...Object.keys(secrets),
  ];
  return Object.fromEntries(
    names.map((name) => [providerOf(name), { source: "file", path: secretFile(name), mode: "singleValue" }]),
  );
}

const lanOf = (expose: Expose): Pick<Facts, "lanAddress"> => defined({ lanAddress: lanAddress(expose) });
