import type * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import type { Schemas } from "../../rules/fields";
import { hostKeySchema, inputString, NEEDS_HOST_KEY, secretString, versionSchema } from "../../rules/schemas";

/** Arguments of {@link DockerEngine}. */
export interface DockerEngineArgs {
  /**
   * Where the engine is: its socket on this machine, or ssh://USER@HOST[:PORT] of a machine with a Docker engine, where
   * USER may use `docker`. May come from another resource of the program.
   * @default "unix:///var/run/docker.sock"
   * @example "ssh://claw@203.0.113.7"
   */
  readonly host?: pulumi.Input<string> | undefined;
  /**
   * Public key of the machine behind ssh://, as shown by `ssh-keyscan` or its /etc/ssh/ssh_host_ed25519_key.pub.
   * Required with ssh://: nothing is sent to a machine with another key. May come from another resource of the program.
   * @default none, for an engine on this machine
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…"
   */
  readonly hostKey?: pulumi.Input<string> | undefined;
  /**
   * File on the deploying machine with the private key for logging in over ssh://.
   * @unit path
   * @default what `ssh` itself finds: its agent, its configuration, ~/.ssh
   * @example "~/.ssh/claw"
   */
  readonly identityFile?: string | undefined;
  /**
   * Repository of the OpenClaw images, without a tag: a gateway runs the image for its `version`.
   * @default "ghcr.io/openclaw/openclaw"
   * @example "registry.example.org/openclaw"
   */
  readonly repository?: string | undefined;
  /**
   * Image digests by version: whatever the registry says, no other image runs. Without one, the image behind the tag
   * when it was pulled runs for as long as the version stays the same.
   * @default {}
   * @example { "2026.9.6": "sha256:0123…" }
   */
  readonly digests?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether the engine pulls images. "never": they must already be there, e.g. where no registry can be reached.
   * @default "missing"
   * @example "never"
   */
  readonly pull?: "never" | "missing" | undefined;
  /**
   * How to log in to a private registry. The password is always kept as a secret.
   * @default none
   * @example { address: "registry.example.org", username: "claw", password: config.requireSecret("registryPassword") }
   */
  readonly registryAuth?: RegistryAuthArgs | undefined;
  /**
   * Whether to publish basePort + 1, the port of the sandbox host of MCP Apps and widgets, as well.
   * @default false
   * @example true
   */
  readonly sandboxPort?: boolean | undefined;
  /**
   * Memory of each gateway's container; swap is not used. A gateway does not start with 1024. Source: measured on 2026.9.6.
   * @unit MiB, 1536 or more
   * @default 2048
   * @example 4096
   */
  readonly memory?: number | undefined;
  /**
   * Processors that each gateway's container may use; at most as many as the engine has.
   * @unit processors
   * @default 2
   * @example 1.5
   */
  readonly cpus?: number | undefined;
  /**
   * Processes and threads that each gateway's container may have.
   * @unit processes
   * @default 512
   * @example 1024
   */
  readonly pids?: number | undefined;
}

/** How to log in to a private registry. */
export interface RegistryAuthArgs {
  /**
   * Name of the registry, as in image names.
   * @example "registry.example.org"
   */
  readonly address: string;
  /**
   * User name there.
   * @example "claw"
   */
  readonly username: string;
  /**
   * Password or token.
   * @example config.requireSecret("registryPassword")
   */
  readonly password: pulumi.Input<string>;
}

/** The least memory with which a gateway starts. Source: measured, OpenClaw 2026.9.6. */
const MIN_MEMORY_MIB = 1536;

const engineUrl = inputString.refine(
  (value) =>
    typeof value !== "string" ||
    (/^(unix:\/\/\/[^\s?#]+|ssh:\/\/([\w.-]+@)?[\w.:[\]-]+)$/.test(value) && URL.canParse(value)),
  "must be unix:///PATH or ssh://USER@HOST[:PORT]",
);

/** Stack config only has whole numbers. */
const fractionIn = (value: unknown): unknown =>
  typeof value === "string" && /^\d+\.\d+$/.test(value) ? Number(value) : value;

const shape = {
  host: engineUrl.optional(),
  hostKey: hostKeySchema("must be the host's public key").optional(),
  identityFile: z
    .string()
    .min(1, "must not be empty")
    .regex(/^[^\s"'\\$`]+$/, "must not contain spaces, quotes, $ or \\")
    .optional(),
  repository: z
    .string()
    .regex(/^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*$/, "must be an image name without a tag or digest")
    .optional(),
  digests: z
    .record(
      versionSchema,
      z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: followed by 64 hexadecimal digits"),
    )
    .optional(),
  pull: z.enum(["missing", "never"]).optional(),
  registryAuth: z
    .strictObject({
      address: z.string().min(1, "must not be empty"),
      username: z.string().min(1, "must not be empty"),
      password: secretString,
    } satisfies Schemas<RegistryAuthArgs>)
    .optional(),
  sandboxPort: z.boolean().optional(),
  memory: z
    .number({ error: "must be a number" })
    .int("must be a whole number")
    .min(MIN_MEMORY_MIB, `must be ${MIN_MEMORY_MIB} or more: a gateway does not start with less`)
    .optional(),
  cpus: z
    .preprocess(
      (value: number) => fractionIn(value),
      z.number({ error: "must be a number" }).min(0.1, "must be 0.1 or more"),
    )
    .optional(),
  pids: z
    .number({ error: "must be a number" })
    .int("must be a whole number")
    .min(64, "must be 64 or more: a gateway needs about 30 threads before it does anything")
    .optional(),
} satisfies Schemas<DockerEngineArgs>;

export const SSH_ONLY = "is only for an engine reached over ssh://";

const isRemote = (host: unknown): boolean => typeof host === "string" && host.startsWith("ssh:");

export const dockerEngineSchema = z.strictObject(shape).superRefine(({ host, hostKey, identityFile }, context) => {
  const issue = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
  if (isRemote(host) && hostKey === undefined) issue("hostKey", NEEDS_HOST_KEY);
  if ((host === undefined || typeof host === "string") && !isRemote(host))
    for (const [path, value] of Object.entries({ hostKey, identityFile }))
      if (value !== undefined) issue(path, SSH_ONLY);
});

export type CheckedDockerEngineArgs = z.output<typeof dockerEngineSchema>;
