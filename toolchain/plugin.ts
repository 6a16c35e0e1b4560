/** Pulumi's command plugin: the official one, or our stand-in on a machine that cannot have it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "../model/failure";
import { EXECUTABLE } from "./command-plugin/files";
import { fillOnce } from "./cache";
import { fingerprint, cacheDirectory } from "../model/cache";
import { runToEnd } from "./processes";
import { isExecutable } from "../inspect/which";
import { which } from "../inspect/which";
import { MODULES, PROJECT, pulumiHome } from "./project";
import { announce, step } from "./steps";

const SOURCES = join(PROJECT, "toolchain", "command-plugin");
const DOWNLOAD_SECONDS = 30;
const RETRY_DOWNLOAD_AFTER_MS = 24 * 60 * 60 * 1000;

/** The version that the programs of this repository ask for. */
export const commandPluginVersion = (): string => versionOf("command");

function versionOf(name: "command" | "docker"): string {
  const manifest = JSON.parse(readFileSync(join(MODULES, "@pulumi", name, "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** What to do if a stack with this config file needs the docker plugin and cannot get it: Pulumi does not say. */
export function adviceOnDocker(config: string, env: NodeJS.ProcessEnv): string | undefined {
  const isWanted = /^\s+(openclaw:)?target: docker$/m.test(config);
  const isFetched = env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] !== "true";
  if (!isWanted || isFetched || which(DOCKER_PLUGIN, env["PATH"] ?? "")) return undefined;
  return (
    `Gateways in containers need Pulumi's docker plugin ${versionOf("docker")}, which cannot be downloaded here:\n` +
    `  put ${DOCKER_PLUGIN} from its release on PATH, and run this again.`
  );
}

const DOCKER_PLUGIN = "pulumi-resource-docker";

/** Where the engine looks for the plugin below a PULUMI_HOME; only there it finds one without a warning. */
export const pluginIn = (home: string): string =>
  join(home, "plugins", `resource-command-v${commandPluginVersion()}`, EXECUTABLE);

/** The official plugin where it is installed: in the user's Pulumi directory or on PATH. */
export function officialCommandPlugin(env: NodeJS.ProcessEnv): string | undefined {
  const installed = pluginIn(pulumiHome(env));
  // The engine's own mark of an unfinished installation.
  if (isExecutable(installed) && !existsSync(`${dirname(installed)}.partial`)) return installed;
  return which(EXECUTABLE, env["PATH"] ?? "");
}

/** Whether the official plugin is installed now, after an attempt to download it. A failed attempt counts for a day. */
export async function obtainOfficialCommandPlugin(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (officialCommandPlugin(env) !== undefined) return true;
  if (env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] === "true") return false;
  const version = commandPluginVersion();
  const failed = join(cacheDirectory(env), `command-${version}-not-downloadable`);
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < RETRY_DOWNLOAD_AFTER_MS) return false;

  const { code, stderr } = await step(`Looking for Pulumi's command plugin ${version}`, () =>
    runToEnd("pulumi", ["plugin", "install", "resource", "command", version], {
      env,
      timeoutSeconds: DOWNLOAD_SECONDS,
    }),
  );
  if (code === 0) return true;
  mkdirSync(dirname(failed), { recursive: true });
  writeFileSync(failed, `${stderr}\n`);
  announce(
    `  It cannot be downloaded here: using this repository's stand-in instead (next attempt tomorrow; reason: ${failed}).`,
  );
  return false;
}

/**
 * A PULUMI_HOME of our own that holds the stand-in, rebuilt when its sources have changed.
 *
 * Why a home: the engine finds a plugin without a warning only below PULUMI_HOME (one on PATH is used, with a warning), and
 * the user's own plugin directory is not ours to write to. `plugins.providers` in Pulumi.yaml cannot depend on the
 * machine, and PULUMI_DEBUG_PROVIDERS would make us run the plugin. What else lives in a PULUMI_HOME: the login, which
 * PULUMI_CREDENTIALS_PATH keeps (environment.ts); the selected stack, which does not matter because every command gets
 * `--stack`; and logs.
 */
export async function standInHome(env: NodeJS.ProcessEnv): Promise<string> {
  const sources = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") || name.endsWith(".json"))
    .sort()
    .flatMap((name) => [name, readFileSync(join(SOURCES, name))]);
  const hash = fingerprint([...sources, readFileSync(join(PROJECT, "package-lock.json"))]);
  const home = join(cacheDirectory(env), `pulumi-home-${hash}`);
  await fillOnce(home, (temporary) =>
    step("Building the stand-in for Pulumi's command plugin", async () => {
      const directory = dirname(pluginIn(temporary));
      mkdirSync(directory, { recursive: true });
      // A process of its own: this program is itself a bundle (Makefile), and starts in no time because it is.
      const script = "require(process.argv[1]).buildCommandPlugin(process.argv[2])";
      const args = ["-r", "ts-node/register/transpile-only", "-e", script, join(SOURCES, "build.ts"), directory];
      const { code, stderr } = await runToEnd(process.execPath, args, { env, cwd: PROJECT });
      if (code !== 0) throw new Failure(stderr);
    }),
  );
  return home;
}
