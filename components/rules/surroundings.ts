/** What a gateway's container has around it, from the arguments. Pure. */
import type { Mount, Surroundings } from "../../model/surroundings";
import { defined } from "../../model/defined";
import type { MountArgs } from "../arguments";
import type { Problem } from "./problems";
import type { CheckedGatewayArgs } from "./schemas";

/** Sorted, since it stands in the state; undefined where the arguments name nothing. */
export function surroundingsOf({
  networks = [],
  extraHosts = {},
  mounts = [],
}: CheckedGatewayArgs): Surroundings | undefined {
  const hosts = Object.entries(extraHosts).sort(([a], [b]) => (a < b ? -1 : 1));
  const around: Surroundings = defined({
    networks: networks.length ? [...networks].sort() : undefined,
    extraHosts: hosts.length ? Object.fromEntries(hosts) : undefined,
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
