/** What the components tell the deployer's program: on stdin, since connections hold secrets. */
import type { Cpu } from "../components/targets/pins";
import type { Connection } from "../toolchain/command-plugin/connection";

/** Stands in the name of the program's file: whoever finds that finds one that understands its requests. */
export const FORMAT = 1;

/** A package of the npm registry, as it is published. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Of its archive, hex. */
  readonly sha512: string;
}

export interface SendRequest {
  readonly connection: Connection;
  /** Whether the user becomes root on the host. */
  readonly sudo: boolean;
  /** The managed directory on the host. */
  readonly manage: string;
  /** What to send: Node.js and npm, or a release of a gateway. */
  readonly tools?: { readonly node: Readonly<Record<Cpu, PinnedPackage>>; readonly npm: PinnedPackage };
  readonly release?: { readonly gateway: string; readonly version: string };
}

/** A gateway, and how the deployer asks about it. */
export interface Whereabouts {
  readonly id: string;
  /** The host program. */
  readonly program: string;
  /** Missing: this machine. */
  readonly connection?: Connection;
  readonly sudo?: boolean;
}

export interface PartnerRequest {
  /** The gateway that will be changed, with the version that it will have. */
  readonly gateway: Whereabouts & { readonly version: string };
  /** The one that must be healthy meanwhile, on another target. */
  readonly partner: Whereabouts;
}
