/** What the components send to the deployer's program: on stdin, since connections hold secrets. */
import type { Conflict } from "./conflict";
import type { Cpu } from "./pins";
import type { JsonObject } from "./spec";
import type { Connection } from "./connection";
import type { Surroundings } from "./surroundings";

/** Part of the program's file name: whoever finds that file finds one that understands its requests. */
export const REQUEST_FORMAT = 3;

/** A package of the npm registry, as it is published. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Of its archive, hex. */
  readonly sha512: string;
}

/** For commands that must run again although nothing else in their request has changed. */
interface Repeated {
  /** The reason. Nothing reads it: it only makes the request a different one. */
  readonly because?: string;
}

export interface PushRequest extends Repeated {
  readonly connection: Connection;
  /** Whether the user becomes root on the host. */
  readonly sudo: boolean;
  /** The managed directory on the host. */
  readonly manage: string;
  /** What to send: Node.js and npm, or a release of a gateway. */
  readonly tools?: { readonly node: Readonly<Record<Cpu, PinnedPackage>>; readonly npm: PinnedPackage };
  readonly release?: { readonly gateway: string; readonly version: string; readonly packages: string };
}

/** Which packages a version of OpenClaw consists of. */
export interface PackageLockRequest {
  readonly version: string;
  /** npm packages of plugins, with their exact versions. */
  readonly plugins?: Readonly<Record<string, string>>;
  /** Of OpenClaw's own package, as npm writes it; absent: it is not known yet. */
  readonly integrity?: string;
  /** npm registry; missing: the one of this machine's npm. */
  readonly registry?: string;
}

/** A gateway, and how the deployer asks about it. */
export type GatewayLocation = OnHost | InContainer;

export interface OnHost {
  readonly id: string;
  /** The host program. */
  readonly program: string;
  /** Missing: this machine. */
  readonly connection?: Connection;
  readonly sudo?: boolean;
}

export interface InContainer {
  readonly id: string;
  readonly engine: EngineAddress;
  readonly container: string;
}

export interface PartnerRequest extends Repeated {
  /** The gateway that will be changed, with the version that it will have. */
  readonly gateway: GatewayLocation & {
    readonly version: string;
    /** Id of the release's lock; none in a container. */
    readonly lock?: string;
  };
  /** The one that must be healthy meanwhile, on another target. */
  readonly partner: GatewayLocation;
}

/** A Docker engine; no secret in it. */
export interface EngineAddress {
  /** As DOCKER_HOST has it: unix:// or ssh://. */
  readonly host: string;
  /** Arguments of `ssh`. */
  readonly ssh?: readonly string[];
}

/** A gateway on a Docker engine, and its owner. */
export interface ContainerClaim {
  readonly engine: EngineAddress;
  readonly container: string;
  readonly owner: {
    /** organization/project/stack. */
    readonly stack: string;
    /** Name of the gateway's Pulumi resource. */
    readonly gateway: string;
    /** Random id kept in the stack's state. Absent in previews, where it may not be known yet. */
    readonly id?: string;
  };
  /** Ports of the engine's machine, and the address of it that they are published on. */
  readonly publish: { readonly address: string; readonly ports: readonly number[] };
  /** Must be there already. */
  readonly image?: string;
  /** Absent where the container has nothing but its own. */
  readonly around?: Surroundings;
}

export interface StageRequest extends Repeated {
  readonly claim: ContainerClaim;
  /** Id of the image: whatever is there. */
  readonly image: string;
  /** Secret: variables of the gateway's process, and what its configuration refers to. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of those in it that are files, besides those of every gateway. Missing: none. */
  readonly files?: readonly string[];
  /** Where Telegram is asked whether it knows the bot; none: there is no bot. */
  readonly telegram?: string;
}

/** Everything about a gateway in a container that is not secret: what is shown in a preview. */
export interface CheckRequest extends Repeated {
  readonly claim: ContainerClaim;
  readonly version: string;
  readonly config: JsonObject;
  /** Id of the image. */
  readonly image: string;
  /** Name of the volume. */
  readonly secrets: string;
  readonly limits: ContainerLimits;
  /** Limit of the gateway's JavaScript heap, in MiB. Missing: OpenClaw's own, for the memory of the container. */
  readonly maxOldSpaceSize?: number;
  /** Whether the container is recreated without asking a partner first. */
  readonly isAlone: boolean;
}

export interface ContainerLimits {
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly pids: number;
}

export interface HealthRequest extends Repeated {
  readonly claim: ContainerClaim;
  readonly limits: ContainerLimits;
  /** The volumes that the container uses; all others of the gateway are old. */
  readonly volumes: readonly string[];
}

/** What is wrong on an engine, or not as it was left. */
export interface EngineLookRequest {
  readonly engine: EngineAddress;
  readonly claims: readonly ContainerClaim[];
}

/** IP addresses of an engine's machine. */
export interface EngineMachine {
  /** Its own, IPv4; none: not known. */
  readonly addresses: readonly string[];
  /** Those that it has in the engine's networks, as far as the engine says. */
  readonly inNetworks: readonly string[];
}

export type EngineLookAnswer =
  | { readonly silence: string }
  | {
      readonly cpus: number;
      readonly machine: EngineMachine;
      readonly gateways: readonly {
        readonly obstacles: readonly Conflict[];
        /** Whether it has a container, in whatever state. */
        readonly isThere: boolean;
        /** Why the container must be recreated. */
        readonly repair?: string;
        readonly warnings: readonly string[];
      }[];
    };
