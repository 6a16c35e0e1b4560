/** The environment in which the Pulumi engine works on this machine: for the command line (cli.ts) and for tests. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { backendEnvironment, credentialsDirectory, localBackend } from "./backend";
import { enginePath } from "./engine";
import { obtainOfficialCommandPlugin, officialCommandPlugin, pluginIn, standInHome } from "./plugin";

export interface EnvironmentOptions {
  /**
   * A directory for everything that the engine keeps: PULUMI_HOME, state, passphrase. Nothing of the user's Pulumi
   * (login, backend, selected stack, PULUMI_* variables) is read or written then. Default: the user's own.
   */
  readonly isolatedIn?: string;
  /** The command plugin's executable, in an isolated environment. Default: the one that `make up` would use. */
  readonly commandPlugin?: string;
}

/** Set by make for its recipes; not meant for the engine and what it starts. */
const OF_MAKE = new Set([
  "MAKEFLAGS",
  "MAKELEVEL",
  "MAKEOVERRIDES",
  "MFLAGS",
  "MAKE_TERMERR",
  "MAKE_TERMOUT",
  "ARGS",
  "STACK",
  "YES",
]);

/**
 * Finds or builds the engine and the command plugin and returns the environment in which `pulumi` works: PATH,
 * PULUMI_HOME, backend. Slow the first time (minutes, with progress on stderr), quick afterwards.
 *
 * @throws Failure where there is no engine and none can be built.
 * @example const env = await pulumiEnvironment({ isolatedIn: mkdtempSync(join(tmpdir(), "engine-")) });
 */
export async function pulumiEnvironment(options: EnvironmentOptions = {}): Promise<NodeJS.ProcessEnv> {
  const env = await engineEnvironment();
  const { isolatedIn } = options;
  return isolatedIn === undefined ? usersEnvironment(env) : isolatedEnvironment(isolatedIn, env, options.commandPlugin);
}

/** Makes sure that what `pulumiEnvironment` needs is built, and touches nothing else. */
export async function prepareTools(): Promise<void> {
  const env = await engineEnvironment();
  if (!(await obtainOfficialCommandPlugin(env))) await standInHome(env);
}

async function engineEnvironment(): Promise<NodeJS.ProcessEnv> {
  const caller = withoutVariables(process.env, (name) => OF_MAKE.has(name));
  return { ...caller, PATH: await enginePath(caller), PULUMI_SKIP_UPDATE_CHECK: "true" };
}

async function usersEnvironment(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const withBackend = { ...env, ...backendEnvironment(env) };
  if (await obtainOfficialCommandPlugin(env)) return withBackend;
  const credentials = credentialsDirectory(env);
  return {
    ...withBackend,
    ...(await standInVariables(env)),
    // The engine creates this directory, so name it only where there is something to read.
    ...(existsSync(join(credentials, "credentials.json")) ? { PULUMI_CREDENTIALS_PATH: credentials } : {}),
  };
}

const standInVariables = async (env: NodeJS.ProcessEnv): Promise<{ PULUMI_HOME: string } & NodeJS.ProcessEnv> => ({
  PULUMI_HOME: await standInHome(env),
  // If one plugin cannot be downloaded, no other can: each attempt would cost about 2 s per run.
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
});

async function isolatedEnvironment(
  directory: string,
  env: NodeJS.ProcessEnv,
  commandPlugin: string | undefined,
): Promise<NodeJS.ProcessEnv> {
  const plugin =
    commandPlugin ??
    ((await obtainOfficialCommandPlugin(env)) ? officialCommandPlugin(env) : undefined) ??
    pluginIn(await standInHome(env));
  const home = join(directory, "home");
  const placed = pluginIn(home);
  mkdirSync(dirname(placed), { recursive: true });
  rmSync(placed, { force: true });
  symlinkSync(plugin, placed);
  const clean = withoutVariables(env, (name) => name.startsWith("PULUMI_"));
  return {
    ...clean,
    ...localBackend(directory, clean),
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

const withoutVariables = (env: NodeJS.ProcessEnv, isDropped: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !isDropped(name)));
