/** What a configuration needs of its host: what is not there is said before anything is stopped. */
import { machineHas } from "../inspect/needs";
import { Failure } from "../model/failure";
import { needsOf, unmet } from "../model/needs";
import { asAccount } from "./account";
import type { Generation } from "./generation";
import type { HostGateway } from "./host";

export function requireNeeds({ host: { identity } }: HostGateway, { spec }: Generation): void {
  const needs = needsOf(spec.config);
  const [missing] = unmet(needs, machineHas());
  if (missing) throw new Failure(`${missing.property}: ${missing.reason}; nothing was changed`, `${missing.advice}`);
  for (const { property, name } of needs.files) {
    try {
      asAccount(identity, 'test -r "$1"', name);
    } catch {
      throw new Failure(
        `${property}: the account ${identity.name}, which the gateway runs as, cannot read ${name}; nothing was changed`,
        `let it (chgrp ${identity.name} FILE; chmod g+r FILE; chmod o+x for its directories)`,
      );
    }
  }
}
