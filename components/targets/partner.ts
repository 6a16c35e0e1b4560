/** A pair on two targets: before a gateway is changed, the deployer asks its partner on the other target. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { PartnerRequest } from "../../model/requests";
import type { ResolvedGateway } from "../rules/resolve";
import { deployerCommand } from "./deployerCommand";
import type { Partner, Target } from "./target";
import { defined } from "../../model/defined";

/** A gateway that is about to be changed, and the partner that must be healthy then. */
interface Change {
  readonly target: Target;
  readonly name: string;
  readonly gateway: ResolvedGateway;
  /** Id of the lock that its release is installed from. */
  readonly lock?: pulumi.Input<string>;
  readonly partner: Partner;
  /** Everything that the gateway is restarted for: with other values, the partner is asked again. */
  readonly change: pulumi.Input<pulumi.Input<string>[]>;
}

/** Fails if the gateway is healthy and its partner is not. */
export function partnerCommand(
  resourceName: string,
  { target, name, gateway, lock, partner, change }: Change,
  opts: { readonly parent: pulumi.Resource; readonly dependsOn: readonly pulumi.Resource[] },
): pulumi.Resource {
  const because = pulumi
    .output(change)
    .apply((parts) => createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12));
  const request = pulumi
    .all([target.locate(gateway.id, name), partner.target.locate(partner.id, partner.name), because, lock])
    .apply(([mine, theirs, because, lock]): PartnerRequest => ({
      gateway: defined({ ...mine, version: gateway.version, lock }),
      partner: theirs,
      because,
    }));
  const words = `partner ${partner.id} before ${gateway.id}`;
  const about = [target, partner.target].some(({ layout }) => layout.kind === "container") ? "containers" : "hosts";
  const dependsOn = Promise.resolve(partner.changesFirst).then((first) => [
    ...opts.dependsOn,
    ...(first ? [first] : []),
  ]);
  return deployerCommand(resourceName, { about, words, request }, { ...opts, dependsOn });
}
