/** Where gateways run. A new kind of target is a new folder that implements this. */
import * as pulumi from "@pulumi/pulumi";
import type { Conflict } from "../../model/conflict";
import type { SearchResult, GatewayFacts } from "../../inspect/existingGateway";
import type { ExistingMainSpec } from "../../model/spec";
import type { GatewayLocation } from "../../model/requests";
import type { Layout } from "../rules/placement";
import type { ResolvedGateway } from "../rules/resolve";

/** What a target is given to bring one gateway up. */
export interface Deployment {
  readonly name: string;
  readonly gateway: ResolvedGateway;
  /** Variables of the gateway's process; all values are secret. */
  readonly env: pulumi.Output<Record<string, string>>;
  /** Secrets that the configuration refers to by these names. */
  readonly secrets: pulumi.Output<Record<string, string>>;
  /** The gateway that must be healthy before this one is taken down. */
  readonly partner?: Partner;
  /** The gateway beside this one that no stack owns; undefined if there is none. */
  readonly existingMain?: Promise<ExistingMainSpec | undefined>;
}

export interface Partner {
  readonly id: string;
  /** Of its resource. */
  readonly name: string;
  readonly target: Target;
  /** This gateway gets it only after the partner has proved it. Missing: it changes its version by itself. */
  readonly provesVersion?: string | undefined;
  /** What must be done before this gateway is touched, if the two are on different targets. */
  readonly changesFirst?: Promise<pulumi.Resource | undefined>;
}

/** A gateway before any of its resources are registered. */
export interface GatewayToCheck {
  readonly name: string;
  readonly gateway: ResolvedGateway;
  /** The bot answers operators only. */
  readonly isRescue?: boolean;
}

/** A place where gateways run, from a class of this package, e.g. `new LocalHost("here")`. */
export interface Target extends pulumi.Resource {
  /**
   * Facts about the target, known before anything is touched.
   * @internal
   */
  readonly layout: Layout;
  /** Gateways on targets with the same value share ports and files. */
  readonly machine: string;
  /**
   * What on the machine conflicts with each gateway, in order. Read-only. What is wrong with the machine itself
   * is reported to the program.
   * @internal
   */
  findConflicts(gateways: readonly GatewayToCheck[]): Promise<readonly (readonly Conflict[])[]>;
  /**
   * The gateway that the facts describe, or the one with the default profile that no stack owns. Read-only.
   * @internal
   */
  findExistingGateway(facts: GatewayFacts): Promise<SearchResult>;
  /**
   * How the deployer asks whether a gateway there is healthy: by its id and its resource's name. May contain secrets.
   * @internal
   */
  locate(id: string, name: string): pulumi.Input<GatewayLocation>;
  /**
   * What the inspection found out about a gateway, if it can tell.
   * @internal
   */
  found?(name: string): "nothing" | "down" | "up" | undefined;
  /**
   * The command for the gateway's CLI, if the target does not know it from the program's text alone.
   * @internal
   */
  wrapperOf?(gateway: ResolvedGateway): pulumi.Output<string>;
  /**
   * Registers a gateway's resources under `parent`.
   * @internal
   */
  deploy(parent: pulumi.Resource, deployment: Deployment): Deployed;
}

/** What has become of a gateway. */
export interface Deployed {
  /** Complete once the gateway is healthy. */
  readonly resource: pulumi.Resource;
  /** Ids of its recovery points, newest first; missing: none are made there. */
  readonly recoveryPoints?: pulumi.Output<string[]>;
}

const ours = new WeakSet<object>();

/** Each target calls this when it is made. */
export const madeHere = (target: Target): void => void ours.add(target);

/** Whether a value is a target, from any copy of this package. */
export const looksLikeTarget = (value: unknown): value is Target =>
  pulumi.Resource.isInstance(value) && "findConflicts" in value && "deploy" in value;

/** Whether it is one from this copy: gateways of several would not know of each other. */
export const isOfThisCopy = (value: unknown): value is Target => looksLikeTarget(value) && ours.has(value);
