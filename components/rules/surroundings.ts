/** What a gateway's container has around it, from the arguments. Pure. */
import { isGatewaysWorkspace, type Mount, type Surroundings } from "../../model/surroundings";
import { defined } from "../../model/defined";
import { valueAt } from "../../model/json";
import { configuredPorts } from "./isolation";
import type { MountArgs } from "../arguments";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";
import type { CheckedGatewayArgs } from "./schemas";

/** Sorted, since it is stored in the state; undefined where the arguments name nothing. */
export function surroundingsOf({
  networks = [],
  extraHosts = {},
  mounts = [],
  publish = [],
}: CheckedGatewayArgs): Surroundings | undefined {
  const hosts = Object.entries(extraHosts).sort(([a], [b]) => (a < b ? -1 : 1));
  const around: Surroundings = defined({
    networks: networks.length ? [...networks].sort() : undefined,
    extraHosts: hosts.length ? Object.fromEntries(hosts) : undefined,
    publish: publish.length ? [...publish].sort((a, b) => a - b) : undefined,
    mounts: mounts.length ? mounts.map(mountOf).sort((a, b) => (a.target < b.target ? -1 : 1)) : undefined,
  });
  return Object.keys(around).length ? around : undefined;
}

const mountOf = ({ source, target, readOnly = false }: MountArgs): Mount => ({
  source,
  target,
  ...(readOnly && { readOnly }),
});

/** What means something for a container only, and what a gateway on a host does instead. */
const CONTAINERS_ONLY = {
  networks: "remove it; what a container publishes on 127.0.0.1 is reached there",
  mounts: "remove it: a gateway on a host reaches what its account may",
  publish: "remove it: a listener of a gateway on a host is where `config` has it",
  extraHosts: "remove it, or put the name into the host's /etc/hosts",
} as const;

export const onlyInContainers = (args: CheckedGatewayArgs, label: string): Problem[] =>
  Object.entries(CONTAINERS_ONLY)
    .filter(([property]) => args[property as keyof typeof CONTAINERS_ONLY] !== undefined)
    .map(([property, advice]) => ({
      path: `${label}.${property}`,
      reason: "is only for a gateway in a container",
      advice,
    }));

/** Ports of a configuration that somebody outside calls; others are for programs beside the gateway. */
const CALLED = /(webhookPort|(webhook|ingress)\.port)$/;
/** Listeners that answer their own machine only, where nothing else is set. Source: OpenClaw 2026.9.6, its channels' pages. */
const LOOPBACK_BY_DEFAULT = /^channels\.(telegram|feishu)\./;

/** What nobody reaches of a gateway in a container although its configuration opens it, and what to do. */
export function unreached({ label, config, surroundings = {} }: ResolvedGateway): string[] {
  const { networks, publish = [] } = surroundings;
  return configuredPorts(config)
    .filter(({ at }) => CALLED.test(at))
    .flatMap(({ at, port }) => {
      const listener = `${label}: port ${port} (config.${at})`;
      const keys = at.split(".").slice(0, -1).join(".");
      const host = valueAt(config, `${keys}.webhookHost`) ?? valueAt(config, `${keys}.host`);
      if (LOOPBACK_BY_DEFAULT.test(at) ? (host ?? "127.0.0.1") === "127.0.0.1" : host === "127.0.0.1")
        return [`${listener} answers inside the container only: set config.${keys}.webhookHost to "0.0.0.0"`];
      if (networks || publish.includes(port)) return [];
      return [`${listener} is reached by nobody outside the container: name it in \`publish\`, or join a network`];
    });
}

/** Directories of the engine's machine in which another gateway may work. */
export const othersWorkspaces = ({ label, surroundings = {} }: ResolvedGateway): string[] =>
  (surroundings.mounts ?? [])
    .filter(({ source, readOnly }) => !readOnly && isGatewaysWorkspace(source))
    .map(
      ({ source }) =>
        `${label}.mounts: ${source} is where a gateway on that machine has its workspace. Stop it for good before this one starts: ` +
        "two bots would change the same files",
    );
