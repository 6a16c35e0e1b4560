/** The arguments that every host takes, and the directories that follow from them. */
import { join } from "node:path/posix";
import * as z from "zod";
import { ACCOUNT_HOME, DEFAULT_ACCOUNT, type HostLayout } from "../../model/hostLayout";
import type { Linger } from "../../inspect/units";
import type { Problem } from "../rules/problems";
import { absolutePath, versionSchema } from "../rules/schemas";

export const hostShape = {
  /**
   * Base directory for everything. If gateways are deployed as root, nobody else may write to it or to its parents.
   * @unit absolute path
   * @default the home of the user that the gateways run as: `/var/lib/openclaw` if they are deployed as root, else the
   * deploying user's own home
   * @example "/srv/claw"
   */
  root: absolutePath.optional(),
  /**
   * Directory for commands such as `openclaw-main`.
   * @unit absolute path
   * @default `<root>/bin` if root is given, else /usr/local/bin for root and ~/.local/bin for others
   * @example "/opt/claw/bin"
   */
  binDir: absolutePath.optional(),
  /**
   * System account under which gateways run when they are deployed as root. Created if missing; one that somebody else
   * created is refused. Not used otherwise.
   * @default "openclaw"
   * @example "claw"
   */
  account: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be a Linux account name")
    .refine((name) => name !== "root", "must not be root: a gateway never runs as root")
    .optional(),
  /**
   * What keeps the gateways running: systemd units, which start again after a reboot, or plain background processes,
   * which do not. Cannot be changed while there are gateways.
   * @default "systemd" if it is running, else "process"
   * @example "process"
   */
  supervisor: z.enum(["systemd", "process"]).optional(),
  /**
   * npm registry that the host can reach. Node.js and npm from it are checked against hashes in this package.
   * @unit URL
   * @default the one that the deployer's npm uses
   * @example "http://10.0.0.1:4873"
   */
  registry: z
    .string()
    .regex(/^https?:\/\/[^\s'"\\$`]+$/, "must be a URL that starts with http:// or https://")
    .refine((url) => !/\/\/[^/]*@/.test(url), "must not contain a user name or password")
    .transform((url) => url.replace(/\/$/, ""))
    .optional(),
  /**
   * Expected hash of OpenClaw's npm package, by version: anything else from a registry is refused. For versions whose
   * lock is not in this package (2026.9.6 is), a stack's first deployment decides, and its state keeps what every
   * installation consists of for as long as a gateway runs that version. The deployer asks its own npm's registry for it, or
   * `registry` of a LocalHost.
   * @unit sha512 of the package's archive, as `npm view openclaw@VERSION dist.integrity` shows it
   * @default {}
   * @example { "2026.9.7": "sha512-…" }
   */
  integrity: z
    .record(
      versionSchema,
      z
        .string()
        .regex(/^sha512-[A-Za-z0-9+/]{86}==$/, "must be a hash as shown by npm view openclaw@VERSION dist.integrity"),
    )
    .optional(),
};

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

export type HostArgs = z.output<z.ZodObject<typeof hostShape>>;

/** `home`: home of the deploying user, if that is not root. */
export function layoutOf(args: HostArgs, isRoot: boolean, home: string): HostLayout {
  const { root, binDir, account, supervisor, registry } = args;
  return Object.freeze({
    root: root ?? (isRoot ? ACCOUNT_HOME : home),
    binDir: binDir ?? (root !== undefined ? join(root, "bin") : isRoot ? "/usr/local/bin" : join(home, ".local/bin")),
    account: isRoot ? (account ?? DEFAULT_ACCOUNT) : null,
    ...(supervisor && { supervisor }),
    ...(registry !== undefined && { registry }),
  });
}
