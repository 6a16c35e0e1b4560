import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { parseHostKey } from "../../../ssh/keyLine";
import { inputString, port, secretString } from "../../rules/schemas";
import { hostShape } from "../hostLayout";

/** Checked if it is known; a value from another resource is checked once it is known. */
const hostKey = z
  .custom<pulumi.Input<string>>((value) => inputString.safeParse(value).success, {
    error: "is required: without the host's public key, anybody in between could read every secret",
  })
  .superRefine((value, context) => {
    const key = typeof value === "string" ? parseHostKey(value) : undefined;
    if (key && "reason" in key) context.addIssue({ code: "custom", message: key.reason });
  });

/** How to log in to a host: what `ssh` needs too. */
const connectionShape = {
  /**
   * Name or address of the host. May come from another resource of the program.
   * @example "203.0.113.7"
   */
  host: inputString,
  /**
   * Port of its SSH server.
   * @unit TCP port
   * @default 22
   * @example 2222
   */
  port: port.optional(),
  /**
   * Private key to log in with, in OpenSSH or PEM form. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshKey")
   */
  privateKey: secretString.optional(),
  /**
   * Passphrase of the private key. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshKeyPassword")
   */
  privateKeyPassword: secretString.optional(),
  /**
   * Password to log in with. Always kept as a secret.
   * @default none
   * @example config.requireSecret("sshPassword")
   */
  password: secretString.optional(),
  /**
   * Socket, on the deploying machine, of an SSH agent that has the key.
   * @unit absolute path
   * @default the one in SSH_AUTH_SOCK, if it is set
   * @example "/run/user/1000/ssh-agent.socket"
   */
  agentSocketPath: z.string().min(1, "must not be empty").optional(),
  /**
   * The host's public key, as `ssh-keyscan` or its /etc/ssh/ssh_host_ed25519_key.pub shows it; ed25519 or ECDSA. A host
   * with another key is refused before anything is sent to it. May come from another resource of the program.
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…"
   */
  hostKey,
};

const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a Linux user name");

const shape = {
  ...connectionShape,
  /**
   * User to log in as. For root, gateways are system services with their own account; for any other user, services of
   * that user, who needs lingering (the error says how to enable it).
   * @default "root"
   * @example "claw"
   */
  user: userName.optional(),
  /**
   * Whether the user becomes root on the host, with passwordless `sudo`.
   * @default false
   * @example true
   */
  sudo: z.boolean().optional(),
  /**
   * A bastion through which the host is reached.
   * @default none
   * @example { host: "bastion.example.org", hostKey: "ssh-ed25519 AAAA…", privateKey }
   */
  proxy: z
    .strictObject({
      ...connectionShape,
      /**
       * User to log in as on the bastion.
       * @default "root"
       * @example "jump"
       */
      user: userName.optional(),
    })
    .optional(),
  /**
   * Whether this machine sends Node.js, npm and the OpenClaw releases to the host, if that cannot reach a registry.
   * They are downloaded here once and sent over SSH; after a lost connection, sending resumes where it stopped.
   * @default false
   * @example true
   */
  push: z.boolean().optional(),
  ...hostShape,
};

export const sshHostSchema = z.strictObject(shape).superRefine(({ push, registry }, context) => {
  if (push && registry !== undefined)
    context.addIssue({
      code: "custom",
      path: ["registry"],
      message: "must not be set together with push: the host downloads nothing then",
    });
});

/** Arguments of {@link SshHost}. */
export type SshHostArgs = z.input<typeof sshHostSchema>;

export type CheckedSshHostArgs = z.output<typeof sshHostSchema>;
