/** The directories of a host that follow from its arguments, and what may be wrong with its account. */
import { join } from "node:path/posix";
import { ACCOUNT_HOME, DEFAULT_ACCOUNT, type HostLayout } from "../../model/hostLayout";
import type { Linger } from "../../inspect/units";
import type { Problem } from "../rules/problems";
import type { CheckedHostArgs } from "./hostArguments";
import { defined } from "../../model/defined";

/** The host has an account of that name that is not ours to use. */
export const accountProblem = (host: string, reason: string): Problem => ({
  path: `${host}.account`,
  reason,
  advice: "use another account name: the account will be created",
});

/** The user's services would stop when the user's last session ends. */
export const lingerProblem = (host: string, { reason, advice }: Linger): Problem => ({
  path: `${host}.supervisor`,
  reason,
  advice: `${advice}; or set supervisor: "process", whose gateways do not start again after a reboot`,
});

/** `home`: home of the deploying user, if that is not root. */
export function layoutOf(args: CheckedHostArgs, isRoot: boolean, home: string): HostLayout {
  const { root, binDir, account, supervisor, registry } = args;
  return Object.freeze(
    defined({
      root: root ?? (isRoot ? ACCOUNT_HOME : home),
      binDir: binDir ?? (root !== undefined ? join(root, "bin") : isRoot ? "/usr/local/bin" : join(home, ".local/bin")),
      account: isRoot ? (account ?? DEFAULT_ACCOUNT) : null,
      supervisor,
      registry,
    }),
  );
}
