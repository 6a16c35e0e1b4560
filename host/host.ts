/** The host that this program is installed on: its managed directory and the account of its gateways. */
import { dirname, join } from "node:path";
import { identityOf, type Identity } from "./account";
import { Failure, SET_UP_AGAIN } from "../model/failure";
import { entries, readJson } from "./files";
import { gatewayPaths, gatewaysDir, type GatewayPaths, type HostLayout } from "../model/hostLayout";
import type { Claim } from "../model/spec";

export interface Host {
  readonly manage: string;
  readonly layout: HostLayout;
  readonly identity: Identity;
}

export const hostFile = (manage: string): string => join(manage, "host.json");

export function openHost(manage: string): Host {
  const layout = readJson<HostLayout>(hostFile(manage));
  if (!layout) throw new Failure(`${hostFile(manage)} is missing\n    -> ${SET_UP_AGAIN}`);
  return { manage, layout, identity: identityOf(layout.account) };
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

/** What a gateway has on its host outside of our own directory. */
export type Place = Pick<Claim, "stateDir" | "wrapper" | "configPath">;

/** What `claim` writes down: the claim, and what it created. */
export interface OwnedClaim extends Claim {
  /** Directories that did not exist before this gateway: removed again, where they are empty, if it never became healthy. */
  created: string[];
  /** Random; stays as long as the claim does, so that whoever depends on it runs again after a new claim. */
  claimId: string;
  /** Where it was before, until nothing of it is left there: a claim may end in the middle. */
  leaving?: Place[];
  /** Given up by `disown`: the next stack that claims this gateway has it. */
  disowned?: true;
}

/** Locks of the host program: one for each gateway, and those that all gateways of the host share. */
export type LockName = "claims" | "take-down" | `gateway-${string}` | `supervisor-${string}`;
export const lockPath = (host: Host, name: LockName): string => join(host.manage, "locks", `${name}.sqlite`);

export function findGateway(host: Host, id: string): HostGateway | undefined {
  const paths = gatewayPaths(host.manage, id);
  const claim = readJson<OwnedClaim>(paths.owner);
  return claim && { host, id, paths, claim };
}

/** The gateways of a host but one. */
export const gatewaysBeside = (host: Host, id: string): HostGateway[] =>
  entries(gatewaysDir(host.manage))
    .filter((other) => other !== id)
    .flatMap((other) => findGateway(host, other) ?? []);

export function openGateway(host: Host, id: string): HostGateway {
  const gateway = findGateway(host, id);
  if (!gateway)
    throw new Failure(`no gateway ${id} on this host\n    -> those that are there: ls ${gatewaysDir(host.manage)}`);
  return gateway;
}
