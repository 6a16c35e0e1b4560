/** Where gateways run. A new kind of target is a new folder that implements this. */
import type * as pulumi from "@pulumi/pulumi";
import type { Finding, GatewayFacts } from "../../inspect/existingGateway";
import type { SpecNeighbour } from "../../model/spec";
import type { Whereabouts } from "../../model/requests";
import type { Layout } from "../rules/places";
import type { ResolvedGateway } from "../rules/resolve";

/** What a target is given to bring one gateway up. */
export interface Deployment {
  readonly name: string;
  readonly gateway: ResolvedGateway;
  /** Variables of the gateway's process; all values are secret. */
  readonly env: pulumi.Output<Record<string, string>>;
  /** The gateway that must be healthy before this one is taken down. */
  readonly partner?: Partner;
  /** The gateway beside this one that no stack owns; nothing where there is none. */
  readonly neighbour?: Promise<SpecNeighbour | undefined>;
}

export interface Partner {
  readonly id: string;
  /** Of its resource. */
  readonly name: string;
  readonly target: Target;
  /** What must be done before this gateway is touched, where the two are on different targets. */
  readonly changesFirst?: Promise<pulumi.Resource | undefined>;
}

/** Something on the target that forbids a gateway. */
export interface Obstacle {
  /** The gateway's property that meets it. */
  readonly property: string;
  readonly reason: string;
  readonly advice: string;
}

/** A gateway before anything of it is registered. */
export interface GatewayToCheck {
  readonly name: string;
  readonly gateway: ResolvedGateway;
}

/** A place for gateways, made by this package, e.g. `new LocalHost("here")`. */
export interface Target extends pulumi.Resource {
  /**
   * Facts about the target, known before anything is touched.
   * @internal
   */
  readonly layout: Layout;
  /** Gateways with the same value share ports and files. */
  readonly machine: string;
  /**
   * What on the machine forbids each of the gateways, in their order. Only looks. What is wrong with the machine itself
   * is reported to the program.
   * @internal
   */
  findObstacles(gateways: readonly GatewayToCheck[]): Promise<readonly (readonly Obstacle[])[]>;
  /**
   * The gateway that the facts name, or the one of the default profile that no stack owns. Only reads.
   * @internal
   */
  findForeignGateway(facts: GatewayFacts): Promise<Finding>;
  /**
   * How the deployer asks whether a gateway there is healthy: by its id and the name of its resource. May hold secrets.
   * @internal
   */
  whereabouts(id: string, name: string): pulumi.Input<Whereabouts>;
  /**
   * What the look has found of a gateway, where it can see that.
   * @internal
   */
  found?(name: string): "nothing" | "down" | "up" | undefined;
  /**
   * The gateway's own command line, where the target knows it later than the program's text does.
   * @internal
   */
  wrapperOf?(gateway: ResolvedGateway): pulumi.Output<string>;
  /**
   * Registers a gateway's resources below `parent`; the result is there when the gateway is healthy.
   * @internal
   */
  deploy(parent: pulumi.Resource, deployment: Deployment): pulumi.Resource;
}
