/** The arguments that every host takes. */
import * as z from "zod";
import { absolutePath, type Schemas } from "../rules/fields";
import { versionSchema } from "../rules/schemas";

/** Arguments of every host: {@link LocalHost} and {@link SshHost}. */
export interface HostArgs {
  /**
   * Base directory for everything. If gateways are deployed as root, nobody else may write to it or to its parents.
   * @unit absolute path
   * @default the home of the user that the gateways run as: `/var/lib/openclaw` if they are deployed as root, else the
   * deploying user's own home
   * @example "/srv/claw"
   */
  readonly root?: string | undefined;
  /**
   * Directory for commands such as `openclaw-main`.
   * @unit absolute path
   * @default `<root>/bin` if root is given, else /usr/local/bin for root and ~/.local/bin for others
   * @example "/opt/claw/bin"
   */
  readonly binDir?: string | undefined;
  /**
   * System account under which gateways run when they are deployed as root. Created if missing; one that somebody else
   * created is refused. Not used otherwise.
   * @default "openclaw"
   * @example "claw"
   */
  readonly account?: string | undefined;
  /**
   * What keeps the gateways running: systemd units, which start again after a reboot, or plain background processes,
   * which do not. Cannot be changed while there are gateways.
   * @default "systemd" if it is running, else "process"
   * @example "process"
   */
  readonly supervisor?: "systemd" | "process" | undefined;
  /**
   * npm registry that the host can reach. Node.js and npm from it are checked against hashes in this package.
   * @unit URL
   * @default the one that the deployer's npm uses
   * @example "http://10.0.0.1:4873"
   */
  readonly registry?: string | undefined;
  /**
   * Expected hash of OpenClaw's npm package, by version: anything else from a registry is refused. For versions whose
   * lock is not in this package (2026.9.6 is), a stack's first deployment decides, and its state keeps what every
   * installation consists of for as long as a gateway runs that version. The deployer asks its own npm's registry for it, or
   * `registry` of a LocalHost.
   * @unit sha512 of the package's archive, as `npm view openclaw@VERSION dist.integrity` shows it
   * @default {}
   * @example { "2026.9.7": "sha512-…" }
   */
  readonly integrity?: Readonly<Record<string, string>> | undefined;
}

export const hostShape = {
  root: absolutePath.optional(),
  binDir: absolutePath.optional(),
  account: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be a Linux account name")
    .refine((name) => name !== "root", "must not be root: a gateway never runs as root")
    .optional(),
  supervisor: z.enum(["systemd", "process"]).optional(),
  registry: z
    .string()
    .regex(/^https?:\/\/[^\s'"\\$`]+$/, "must be a URL that starts with http:// or https://")
    .refine((url) => !/\/\/[^/]*@/.test(url), "must not contain a user name or password")
    .transform((url) => url.replace(/\/$/, ""))
    .optional(),
  integrity: z
    .record(
      versionSchema,
      z
        .string()
        .regex(/^sha512-[A-Za-z0-9+/]{86}==$/, "must be a hash as shown by npm view openclaw@VERSION dist.integrity"),
    )
    .optional(),
} satisfies Schemas<HostArgs>;

export type CheckedHostArgs = z.output<z.ZodObject<typeof hostShape>>;
