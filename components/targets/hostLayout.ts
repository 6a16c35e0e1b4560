/** The arguments that every host takes, and the directories that follow from them. */
import { join } from "node:path/posix";
import * as z from "zod";
import { ACCOUNT_HOME, DEFAULT_ACCOUNT, type HostLayout } from "../../model/hostLayout";
import type { Linger } from "../../inspect/units";
import type { Problem } from "../rules/problems";
import { absolutePath, versionSchema } from "../rules/schemas";

export const hostShape = {
  /**
   * Directory under which everything is put. Where gateways are deployed as root, nobody else may write in it or above it.
   * @unit absolute path
   * @default the home of the user that the gateways run as: `/var/lib/openclaw` where they are deployed as root, else the
   * deploying user's own home
   * @example "/srv/claw"
   */
  root: absolutePath.optional(),
  /**
   * Directory of the commands `openclaw-main` ….
   * @unit absolute path
   * @default `<root>/bin` where root is given, else /usr/local/bin for root and ~/.local/bin for others
   * @example "/opt/claw/bin"
   */
  binDir: absolutePath.optional(),
  /**
   * System account that gateways run as where they are deployed as root. Created when missing; one that somebody else
   * created is refused. Without a meaning where they are not.
   * @default "openclaw"
   * @example "claw"
   */
  account: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be a Linux account name")
    .refine((name) => name !== "root", "must not be root: a gateway never runs as root")
    .optional(),
  /**
   * What keeps the gateways running: systemd units, which come back with the machine, or background processes of our own,
   * which end with it. Fixed as long as there are gateways.
   * @default "systemd" where it runs, else "process"
   * @example "process"
   */
  supervisor: z.enum(["systemd", "process"]).optional(),
  /**
   * npm registry that the host can reach. Node.js and npm from it are checked against hashes that this package knows.
   * @unit URL
   * @default the one that the deployer's npm uses
   * @example "http://10.0.0.1:4873"
   */
  registry: z
    .string()
    .regex(/^https?:\/\/[^\s'"\\$`]+$/, "must be a URL that starts with http:// or https://")
    .refine((url) => !/\/\/[^/]*@/.test(url), "must hold no user or password")
    .transform((url) => url.replace(/\/$/, ""))
    .optional(),
  /**
   * What OpenClaw's npm package has to be, by version: anything else that a registry gives is refused. For versions whose
   * lock is not in this package (2026.9.6 is): there a stack's first deployment decides, and its state keeps what every
   * installation consists of for as long as a gateway runs that version. The deployer asks its own npm's registry for it, or
   * `registry` of a LocalHost.
   * @unit sha512 of the package's archive, as `npm view openclaw@VERSION dist.integrity` shows it
   * @default {}
   * @example { "2026.9.7": "sha512-…" }
   */
  integrity: z
    .record(
      versionSchema,
      z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, "must be as npm view openclaw@VERSION dist.integrity shows it"),
    )
    .optional(),
};

/** The host has an account of that name that is not ours to use. */
export const accountProblem = (host: string, reason: string): Problem => ({
  path: `${host}.account`,
  reason,
  advice: "use another account name: one will be created",
});

/** The user's services would end with its last login. */
export const lingerProblem = (host: string, { reason, advice }: Linger): Problem => ({
  path: `${host}.supervisor`,
  reason,
  advice: `${advice}; or use supervisor: "process", whose gateways end with the machine`,
});

export type HostArgs = z.output<z.ZodObject<typeof hostShape>>;

/** `home`: of the deploying user, where that is not root. */
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
