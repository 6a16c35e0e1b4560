/** The root stack's Pulumi config, checked by the same schemas as the components' arguments. */
import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import * as z from "zod";
import type { RescueGatewayArgs } from "./gateway";
import type { GatewayPairArgs } from "./gatewayPair";
import { currentProgram } from "./program";
import { problemsOf, type Problem } from "./rules/problems";
import { hostShape } from "./targets/hostLayout";
import { LocalHost } from "./targets/local";
import { SshHost, type SshHostArgs } from "./targets/ssh";
import type { Target } from "./targets/target";

/** Their own schemas check what is in them. */
const gatewayArguments = z.looseObject({}, { error: "must be an object of gateway arguments" }).optional();
const sshArguments = z.looseObject({}, { error: "must be an object of arguments of SshHost" }).optional();

const stackSchema = z.strictObject({
  /** Kind of target. */
  target: z.enum(["local", "ssh"]),
  /** What the stack runs: a pair, or a rescue gateway beside a main gateway that no stack owns. */
  mode: z.enum(["pair", "rescue"]),
  /** Checked by the gateways' own schemas. */
  version: z.unknown(),
  ...hostShape,
  ssh: sshArguments,
  main: gatewayArguments,
  rescue: gatewayArguments,
});

export interface StackConfig {
  readonly mode: "pair" | "rescue";
  /** Declares where the gateways run. */
  readonly target: () => Target;
  /** The host as `ssh` is told; none: this machine. */
  readonly host: string | undefined;
  readonly pair: Omit<GatewayPairArgs, "target">;
  readonly rescue: Omit<RescueGatewayArgs, "target">;
}

/** Reads the whole config of the stack. What is wrong is reported together with everything else of the program. */
export function readStackConfig(): StackConfig {
  const project = pulumi.getProject();
  const prefix = `${project}:`;
  const raw = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key, value]) => key.startsWith(prefix) && value !== "")
      .map(([key, value]) => [key.slice(prefix.length), parse(value)]),
  );
  const parsed = stackSchema.safeParse(raw);
  if (!parsed.success) currentProgram().report(problemsOf(parsed.error, stackSchema, project, raw));
  for (const key of ["main", "rescue", "ssh"] as const) currentProgram().report(checkSecrets(project, key, raw));

  const { mode, root, binDir, account, supervisor, registry, version } = raw as Partial<z.input<typeof stackSchema>>;
  const hostArgs = parsed.success ? withoutUndefined({ root, binDir, account, supervisor, registry }) : {};
  const ssh = raw.target === "ssh" ? ({ ...objectOf(raw.ssh), ...hostArgs } as SshHostArgs) : undefined;
  if (!ssh && raw.ssh !== undefined) currentProgram().report([sshNotUsed(project)]);
  const { main, rescue } = { main: objectOf(raw.main), rescue: objectOf(raw.rescue) };
  const isAlone = mode === "rescue";
  if (isAlone && main !== undefined) currentProgram().report([mainNotOurs(project)]);
  return {
    mode: isAlone ? "rescue" : "pair",
    host: ssh && sshAddress(ssh),
    target: () => (ssh ? new SshHost("ssh", ssh) : new LocalHost("local", hostArgs)),
    pair: withoutUndefined({ version, main, rescue }) as StackConfig["pair"],
    rescue: withoutUndefined({ version, ...rescue }) as StackConfig["rescue"],
  };
}

const sshAddress = ({ user = "root", host, port = 22 }: SshHostArgs): string =>
  `${port === 22 ? "" : `-p ${port} `}${user}@${host as string}`;

/** What is no object is reported already. */
const objectOf = (value: unknown): object | undefined =>
  typeof value === "object" && value !== null ? value : undefined;

const mainNotOurs = (project: string): Problem => ({
  path: `${project}.main`,
  reason: "this stack does not run the main gateway in mode rescue",
  advice: `remove it: make config ARGS="rm main" (or: pulumi config rm main); facts about main go to rescue.beside`,
});

const sshNotUsed = (project: string): Problem => ({
  path: `${project}.ssh`,
  reason: "is set, but the target is this machine",
  advice: "set the target (pulumi config set target ssh), or remove it (pulumi config rm ssh)",
});

/** `--path` stores objects, arrays and numbers as JSON; everything else is a string. */
function parse(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Whether a config key was set with --secret. Exported by the SDK, but not in its type declarations. */
const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };

/** A secret that was set without --secret stands in plain text in the config file and in the stack's history. */
function checkSecrets(project: string, key: string, raw: Record<string, unknown>): Problem[] {
  if (isConfigSecret(`${project}:${key}`)) return [];
  return secretPaths(raw[key], key).map((path) => ({
    path: `${project}.${path}`,
    reason: "is stored in plain text in the stack's config file",
    advice: `set it again as a secret: make config ARGS="set --secret --path ${path}" (or: pulumi config set …)`,
  }));
}

/** Arguments that are secrets, wherever they stand. */
const SECRETS = ["botToken", "privateKey", "privateKeyPassword", "password"];

function secretPaths(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = `${path}.${key}`;
    if (key === "env" && objectOf(inner)) return Object.keys(inner as object).map((name) => `${at}.${name}`);
    return SECRETS.includes(key) && inner !== undefined ? [at] : secretPaths(inner, at);
  });
}

function withoutUndefined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
