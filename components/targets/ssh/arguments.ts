import type * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import type { Schemas } from "../../rules/fields";
import { hostKeySchema, inputString, NEEDS_HOST_KEY, port, secretString } from "../../rules/schemas";
import { hostShape, type HostArgs } from "../hostArguments";

/** How to log in to a bastion. */
export interface SshConnectionArgs {
  /**
   * Name or address of the host. May come from another resource of the program.
   * @example "203.0.113.7"
   */
  readonly host: pulumi.Input<string>;
  /**
   * The host's public key, as `ssh-keyscan` or its /etc/ssh/ssh_host_ed25519_key.pub shows it; ed25519 or ECDSA. A host
   * with another key is refused before anything is sent to it. May come from another resource of the program.
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…"
   */
  readonly hostKey: pulumi.Input<string>;
  /**
   * Port of its SSH server.
   * @unit TCP port
   * @default 22
   * @example 2222
   */
  readonly port?: number | undefined;
  /**
   * Private key to log in with, in OpenSSH or PEM form. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshKey")
   */
  readonly privateKey?: pulumi.Input<string> | undefined;
  /**
   * Passphrase of the private key. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshKeyPassword")
   */
  readonly privateKeyPassword?: pulumi.Input<string> | undefined;
  /**
   * Password to log in with. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshPassword")
   */
  readonly password?: pulumi.Input<string> | undefined;
  /**
   * Socket, on the deploying machine, of an SSH agent that has the key.
   * @unit absolute path
   * @default the one in SSH_AUTH_SOCK, if it is set
   * @example "/run/user/1000/ssh-agent.socket"
   */
  readonly agentSocketPath?: string | undefined;
  /**
   * User to log in as.
   * @default "root"
   * @example "jump"
   */
  readonly user?: string | undefined;
}

/** Arguments of {@link SshHost}. */
export interface SshHostArgs extends SshConnectionArgs, HostArgs {
  /**
   * User to log in as. For root, gateways are system services with their own account; for any other user, services of
   * that user, who needs lingering (the error says how to enable it).
   * @default "root"
   * @example "claw"
   */
  readonly user?: string | undefined;
  /**
   * Whether the user becomes root on the host, with passwordless `sudo`.
   * @default false
   * @example true
   */
  readonly sudo?: boolean | undefined;
  /**
   * A bastion through which the host is reached.
   * @default none
   * @example { host: "bastion.example.org", hostKey: "ssh-ed25519 AAAA…", privateKey }
   */
  readonly proxy?: SshConnectionArgs | undefined;
  /**
   * Whether this machine sends Node.js, npm and the OpenClaw releases to the host, if that cannot reach a registry.
   * They are downloaded here once and sent over SSH; after a lost connection, sending resumes where it stopped.
   * @default false
   * @example true
   */
  readonly push?: boolean | undefined;
}

const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a Linux user name");

const connectionShape = {
  host: inputString,
  hostKey: hostKeySchema(NEEDS_HOST_KEY),
  port: port.optional(),
  user: userName.optional(),
  privateKey: secretString.optional(),
  privateKeyPassword: secretString.optional(),
  password: secretString.optional(),
  agentSocketPath: z.string().min(1, "must not be empty").optional(),
} satisfies Schemas<SshConnectionArgs>;

const shape = {
  ...connectionShape,
  sudo: z.boolean().optional(),
  proxy: z.strictObject(connectionShape).optional(),
  push: z.boolean().optional(),
  ...hostShape,
} satisfies Schemas<SshHostArgs>;

export const sshHostSchema = z.strictObject(shape).superRefine(({ push, registry }, context) => {
  if (push && registry !== undefined)
    context.addIssue({
      code: "custom",
      path: ["registry"],
      message: "must not be set together with push: the host downloads nothing then",
    });
});

export type CheckedSshHostArgs = z.output<typeof sshHostSchema>;
