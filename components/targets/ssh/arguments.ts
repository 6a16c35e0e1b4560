import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { parseHostKey } from "../../../ssh/keyLine";
import { inputString, port, secretString } from "../../rules/schemas";
import { hostShape } from "../hostLayout";

/** Checked where it is known; a value that another resource makes is checked when that is there. */
const hostKey = z
  .custom<pulumi.Input<string>>((value) => inputString.safeParse(value).success, {
    error: "is required: without the host's public key anybody between could read every secret",
  })
  .superRefine((value, context) => {
    const key = typeof value === "string" ? parseHostKey(value) : undefined;
    if (key && "reason" in key) context.addIssue({ code: "custom", message: key.reason });
  });

/** A way into a host: what `ssh` is given too. */
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
   * Socket of an SSH agent on the deploying machine that has the key.
   * @unit absolute path
   * @default the one in SSH_AUTH_SOCK, where there is one
   * @example "/run/user/1000/ssh-agent.socket"
   */
  agentSocketPath: z.string().min(1, "must not be empty").optional(),
  /**
   * Public key of the host, as `ssh-keyscan` or its /etc/ssh/ssh_host_ed25519_key.pub show it; ed25519 or ECDSA. A host
   * that shows another one is not spoken to. May come from another resource of the program.
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…"
   */
  hostKey,
};

const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a Linux user name");

const shape = {
  ...connectionShape,
  /**
   * User to log in as. Root's gateways are system services of an account of their own; any other user's are services of
   * that user, who needs lingering (the error says how).
   * @default "root"
   * @example "claw"
   */
  user: userName.optional(),
  /**
   * Whether the user becomes root on the host, with `sudo` and without a password.
   * @default false
   * @example true
   */
  sudo: z.boolean().optional(),
  /**
   * A bastion: the host is reached through it.
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
   * Whether this machine sends Node.js, npm and the OpenClaw releases to the host, for one that reaches no npm registry.
   * They are fetched here once, sent over SSH, and sent on from where they were when a connection was lost.
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
      message: "must not be given together with push: the host fetches nothing then",
    });
});

/** Arguments of {@link SshHost}. */
export type SshHostArgs = z.input<typeof sshHostSchema>;

export type CheckedSshHostArgs = z.output<typeof sshHostSchema>;
