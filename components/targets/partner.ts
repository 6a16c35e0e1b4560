/** A pair on two targets: before a gateway is changed, the deployer asks its partner on the other target. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { PartnerRequest } from "../../model/requests";
import type { ResolvedGateway } from "../rules/resolve";
import { deployerCommand } from "./deployerCommand";
import type { Partner, Target } from "./target";

/**
 * Fails if the gateway is healthy and its partner is not. Runs again whenever `change` differs: everything that the
 * gateway is restarted for.
 */
export function partnerCommand(
  name: string,
  target: Target,
  gatewayName: string,
  gateway: ResolvedGateway & { readonly lock?: pulumi.Input<string> },
  partner: Partner,
  change: pulumi.Input<pulumi.Input<string>[]>,
  dependsOn: readonly pulumi.Resource[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const because = pulumi
    .output(change)
    .apply((parts) => createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12));
  const request = pulumi
    .all([
      target.locate(gateway.id, gatewayName),
      partner.target.locate(partner.id, partner.name),
      because,
      gateway.lock,
    ])
    .apply(([mine, theirs, because, lock]): PartnerRequest => ({
      gateway: { ...mine, version: gateway.version, ...(lock !== undefined && { lock }) },
      partner: theirs,
      because,
    }));
  const words = `partner ${partner.id} before ${gateway.id}`;
  const about = [target, partner.target].some(({ layout }) => "prefix" in layout) ? "containers" : "hosts";
  const earlier = Promise.resolve(partner.changesFirst).then((first) => [...dependsOn, ...(first ? [first] : [])]);
  return deployerCommand(name, { about, words, request }, { ...opts, dependsOn: earlier });
}
