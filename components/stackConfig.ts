/** The root stack's Pulumi config, checked by the same schemas as the components' arguments. */
import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import * as z from "zod";
import { dockerCommand, LOCAL_ENGINE } from "../model/containerLayout";
import type { GatewayPairArgs, RescueGatewayArgs } from "./arguments";
import { currentProgram } from "./preflight";
import { defined } from "../model/defined";
import { isShowable, problemsOf, type Problem } from "./rules/problems";
import { takesSecret } from "./rules/config/secretPlaces";
import { secretPaths } from "./stackFile";
import { once } from "./targets/bootstrap";
import { hostShape, type HostArgs } from "./targets/hostArguments";
import { DockerEngine, type DockerEngineArgs } from "./targets/docker";
import { LocalHost } from "./targets/local";
import { SshHost, type SshHostArgs } from "./targets/ssh";
import type { Target } from "./targets/target";

export { stackOutputs } from "./stackOutputs";

/** Their own schemas check what is in them. */
const gatewayArguments = z.looseObject({}, { error: "must be an object of gateway arguments" }).optional();
const sshArguments = z.looseObject({}, { error: "must be an object of SshHost arguments" }).optional();
const dockerArguments = z.looseObject({}, { error: "must be an object of DockerEngine arguments" }).optional();

const kind = z.enum(["local", "ssh", "docker"]);
type Kind = z.output<typeof kind>;

const stackSchema = z.strictObject({
  /** Kind of target for every gateway that does not set its own. */
  target: kind,
  /** What the stack runs: a pair, or a rescue gateway beside a main gateway that no stack owns. */
  mode: z.enum(["pair", "rescue"]),
  /** Checked by the gateways' own schemas. */
  version: z.unknown().optional(),
  ...hostShape,
  ssh: sshArguments,
  docker: dockerArguments,
  main: gatewayArguments,
  rescue: gatewayArguments,
});

/** Where a gateway of the stack runs, for people to read. */
export interface Where {
  /** Another machine, as passed to `ssh`. */
  readonly host?: string;
  /** Docker's command, where it runs in a container. */
  readonly docker?: string;
}

export interface StackConfig {
  readonly mode: "pair" | "rescue";
  readonly where: { readonly main: Where; readonly rescue: Where };
  /** Including the targets, which calling this declares. */
  readonly pair: () => GatewayPairArgs;
  /** The same, for a rescue gateway on its own. */
  readonly rescue: () => RescueGatewayArgs;
}

/** Reads the stack's whole config. Its problems are reported together with all others in the program. */
export function readStackConfig(): StackConfig {
  const project = pulumi.getProject();
  const { raw, flat } = rawConfig(project);
  const parsed = stackSchema.safeParse(raw);
  const report = (problems: readonly Problem[]): void => currentProgram().report(problems);
  if (!parsed.success) report(problemsOf(parsed.error, stackSchema, project, raw));
  report(Object.entries(flat).map(([key, value]) => withoutPath(project, key, value)));
  for (const key of ["main", "rescue", "ssh", "docker"] as const) report(checkSecrets(project, key, raw));
  report(
    secretPaths(project)
      .filter((path) => isOfConfig(path, raw))
      .map((path) => secretInConfig(project, path)),
  );

  const { mode, version, root, binDir, account, supervisor, registry, integrity } = raw;
  const isAlone = mode === "rescue";
  if (isAlone && raw.main !== undefined) report([mainNotOurs(project)]);
  const ofRescue = kindOf(project, "rescue", raw);
  const ofMain = isAlone ? ofRescue : kindOf(project, "main", raw);
  const kinds = { rescue: ofRescue ?? "local", main: ofMain ?? "local" };
  const isClear = parsed.success && !Object.keys(flat).length && ofRescue !== undefined && ofMain !== undefined;
  const given = defined({ root, binDir, account, supervisor, registry, integrity });
  const refused = parsed.success ? [] : parsed.error.issues.map(({ path }) => path[0]);
  const hostArgs = Object.fromEntries(Object.entries(given).filter(([key]) => !refused.includes(key))) as HostArgs;
  if (isClear) report(unusedTargets(project, raw, Object.values(kinds), Object.keys(hostArgs)));

  const declared = <T extends Target>(target: T): T => {
    if (!isClear) currentProgram().leaveAlone(target);
    return target;
  };
  const ssh = { ...objectOf(raw.ssh), ...hostArgs } as SshHostArgs;
  const docker = { ...objectOf(raw.docker) } as DockerEngineArgs;
  const targets = {
    local: once(() => declared(new LocalHost("local", hostArgs))),
    ssh: once(() => declared(new SshHost("ssh", ssh))),
    docker: once(() => declared(new DockerEngine("docker", docker))),
  };
  const where: Readonly<Record<Kind, () => Where>> = {
    local: () => ({}),
    ssh: () => ({ host: sshAddress(ssh) }),
    docker: () => whereIsEngine(docker),
  };
  const argumentsOf = (name: "main" | "rescue") => ({ ...objectOf(raw[name]), target: targets[kinds[name]]() });
  return {
    mode: isAlone ? "rescue" : "pair",
    where: { main: where[kinds.main](), rescue: where[kinds.rescue]() },
    pair: () =>
      defined({
        target: targets[kinds.main](),
        version,
        main: argumentsOf("main"),
        rescue: argumentsOf("rescue"),
      }) as GatewayPairArgs,
    rescue: () => defined({ version, ...argumentsOf("rescue") }) as RescueGatewayArgs,
  };
}

/** As it was typed: nothing about it is certain yet. */
type RawConfig = Partial<z.input<typeof stackSchema>>;

/** `flat`: values that were meant to be inside of another key, as with `--path`. */
function rawConfig(project: string): { readonly raw: RawConfig; readonly flat: Readonly<Record<string, string>> } {
  const prefix = `${project}:`;
  const all = Object.entries(pulumi.runtime.allConfig())
    .filter(([key, value]) => key.startsWith(prefix) && value !== "")
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const isFlat = ([key]: readonly [string, string]): boolean => /^(main|rescue|ssh|docker|integrity)[.[]/.test(key);
  return {
    raw: Object.fromEntries(all.filter((entry) => !isFlat(entry)).map(([key, value]) => [key, parse(value)])),
    flat: Object.fromEntries(all.filter(isFlat)),
  };
}

/** The kind of target of one gateway. Undefined: there is none of that name, which is reported. */
function kindOf(project: string, name: "main" | "rescue", raw: RawConfig): Kind | undefined {
  const own = (objectOf(raw[name]) as { target?: unknown } | undefined)?.target;
  const known = kind.safeParse(own ?? raw.target);
  if (own !== undefined && !known.success)
    currentProgram().report(problemsOf(known.error, kind, `${project}.${name}.target`, own));
  return known.data;
}

function unusedTargets(
  project: string,
  raw: RawConfig,
  used: readonly Kind[],
  hostKeys: readonly string[],
): readonly Problem[] {
  const unused = (["ssh", "docker"] as const).filter((each) => raw[each] !== undefined && !used.includes(each));
  const isOnHost = used.some((each) => each !== "docker");
  return [
    ...unused.map((each) => notUsed(project, each)),
    ...(isOnHost ? [] : hostKeys.map((key) => notForContainers(project, key))),
  ];
}

function whereIsEngine({ host }: DockerEngineArgs): Where {
  const docker = dockerCommand(typeof host === "string" ? host : LOCAL_ENGINE);
  if (typeof host !== "string" || !host.startsWith("ssh://")) return { docker };
  const { username, hostname, port } = new URL(host);
  return { docker, host: `${port ? `-p ${port} ` : ""}${username ? `${username}@` : ""}${hostname}` };
}

const sshAddress = ({ user = "root", host, port = 22 }: SshHostArgs): string =>
  `${port === 22 ? "" : `-p ${port} `}${user}@${host as string}`;

/** Anything that is not an object has already been reported. */
const objectOf = (value: unknown): object | undefined =>
  typeof value === "object" && value !== null ? value : undefined;

/** In a clone without a backend of its own only make knows where the stack is. */
const typed = (args: string): string => `pulumi config ${args} (with make: make config ARGS="${args}")`;

const mainNotOurs = (project: string): Problem => ({
  path: `${project}.main`,
  reason: "in rescue mode, this stack does not run the main gateway",
  advice: `remove it: ${typed("rm main")}; put facts about main in rescue.existingMain`,
});

/** The value is repeated only where it cannot be a secret. */
function withoutPath(project: string, key: string, value: string): Problem {
  const keys = key.split(/[.[\]]+/);
  const isSecret =
    isConfigSecret(`${project}:${key}`) || keys.some((each) => [...ALL_SECRET, ...SECRETS].includes(each));
  const isShown = isShowable(/^\d+$/.test(value) ? Number(value) : value, keys);
  const set = `set ${isSecret ? "--secret " : ""}--path ${key.includes("[") ? `'${key}'` : key}`;
  return {
    path: `${project}.${key}`,
    reason: "was set without --path, so it is a key of its own that nothing reads",
    advice: `${typed(`rm ${key}`)}; then ${typed(`${set}${isSecret ? "" : isShown ? ` ${value}` : " VALUE"}`)}`,
  };
}

const notUsed = (project: string, kind: Kind): Problem => ({
  path: `${project}.${kind}`,
  reason: "is set, but no gateway uses it",
  advice: `set the target: ${typed(`set target ${kind}`)}; or remove it: ${typed(`rm ${kind}`)}`,
});

const notForContainers = (project: string, key: string): Problem => ({
  path: `${project}.${key}`,
  reason: "applies only to gateways on a host, but all gateways run in containers",
  advice: `remove it: ${typed(`rm ${key}`)}`,
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

/** A secret that was set without --secret is in plain text in the config file and in the stack's history. */
function checkSecrets(project: string, key: keyof RawConfig, raw: RawConfig): Problem[] {
  if (isConfigSecret(`${project}:${key}`)) return [];
  return plainSecretPaths(raw[key], key).map((path) => ({
    path: `${project}.${path}`,
    reason: "is stored in plain text in the stack's config file",
    advice: `set it again as a secret: ${typed(`set --secret --path ${path}`)}`,
  }));
}

/** Inside of a gateway's OpenClaw configuration, or around it. */
function isOfConfig(path: string, raw: RawConfig): boolean {
  if (path === "main" || path === "rescue") return "config" in (objectOf(raw[path]) ?? {});
  return /^(main|rescue)\.config(\.|$)/.test(path);
}

/** It was marked as a secret, and openclaw.json is in the stack's state as it is. */
function secretInConfig(project: string, path: string): Problem {
  const [gateway, , ...keys] = path.split(".");
  const where = takesSecret(keys) ? "secrets" : "env";
  return {
    path: `${project}.${path}`,
    reason: "was set with --secret, but the configuration is stored in plain text in the stack's state and on the host",
    advice: `set it in ${where}: ${typed(`set --secret --path ${gateway}.${where}.NAME`)}; and write \${NAME} in its place`,
  };
}

/** Arguments of which every value is a secret. */
const ALL_SECRET = ["env", "secrets"];
/** Arguments that are secrets, wherever they appear. */
const SECRETS = ["botToken", "privateKey", "privateKeyPassword", "password"];

function plainSecretPaths(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = `${path}.${key}`;
    if (ALL_SECRET.includes(key) && objectOf(inner)) return Object.keys(inner as object).map((name) => `${at}.${name}`);
    return SECRETS.includes(key) && inner !== undefined ? [at] : plainSecretPaths(inner, at);
  });
}
