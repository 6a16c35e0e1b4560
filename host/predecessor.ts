/**
 * A gateway that gets another profile is another gateway on its host. It is created beside the one that it replaces,
 * which runs until then; Pulumi removes that one afterwards.
 */
import { pointedAt, unpoint } from "./generation";
import { gatewaysBeside, type HostGateway } from "./host";
import { supervisorFor } from "./supervisors/choose";

/** The same resource's gateway under the profile that it gives up, if that should still run. */
export function predecessorOf({ host, id, claim: { owner } }: HostGateway): HostGateway | undefined {
  return gatewaysBeside(host, id).find(
    (other) =>
      other.claim.owner.id === owner.id &&
      other.claim.owner.gateway === owner.gateway &&
      pointedAt(other, "current") !== undefined,
  );
}

/** The gateway that does this one's work at this moment. */
export const standing = (gateway: HostGateway): HostGateway =>
  pointedAt(gateway, "current") ? gateway : (predecessorOf(gateway) ?? gateway);

/** Keeps it from ever starting again on its own. Pulumi removes the rest of it. */
export function retire(gateway: HostGateway): void {
  supervisorFor(gateway.host).remove(gateway);
  unpoint(gateway, "current");
}
