/** The host that this program is installed on: its managed directory and the account of its gateways. */
import { dirname, join } from "node:path";
import { accountIdentity, type Identity } from "../inspect/accounts";
import { Failure, SET_UP_AGAIN } from "../model/failure";
import { entries, readJson } from "../inspect/files";
import { gatewayPaths, gatewaysDir, hostFile, type GatewayPaths, type HostLayout } from "../model/hostLayout";
import type { OwnedClaim } from "../model/spec";

export interface Host {
  readonly manage: string;
  readonly layout: HostLayout;
  readonly identity: Identity;
}

export function openHost(manage: string): Host {
  const layout = readJson<HostLayout>(hostFile(manage));
  if (!layout) throw new Failure(`${hostFile(manage)} is missing`, `${SET_UP_AGAIN}`);
  return { manage, layout, identity: accountIdentity(layout.account) };
}

/** The managed directory is the one that holds this program. */
export const ownManageDir = (): string => dirname(process.argv[1]!);

/** One gateway on a host, as it was claimed. */
export interface HostGateway {
  readonly host: Host;
  readonly id: string;
  readonly paths: GatewayPaths;
  readonly claim: OwnedClaim;
}

/** Locks of the host program: one for each gateway, and those that all gateways of the host share. */
export type MutexName = "claims" | "take-down" | `gateway-${string}` | `supervisor-${string}`;
export const mutexPath = (host: Host, name: MutexName): string => join(host.manage, "locks", `${name}.sqlite`);

export function findGateway(host: Host, id: string): HostGateway | undefined {
  const paths = gatewayPaths(host.manage, id);
  const claim = readJson<OwnedClaim>(paths.owner);
  return claim && { host, id, paths, claim };
}

/** All gateways of a host except one. */
export const gatewaysBeside = (host: Host, id: string): HostGateway[] =>
  entries(gatewaysDir(host.manage))
    .filter((other) => other !== id)
    .flatMap((other) => findGateway(host, other) ?? []);

export function openGateway(host: Host, id: string): HostGateway {
  const gateway = findGateway(host, id);
  if (!gateway)
    throw new Failure(`no gateway ${id} on this host`, `list the existing ones: ls ${gatewaysDir(host.manage)}`);
  return gateway;
}
