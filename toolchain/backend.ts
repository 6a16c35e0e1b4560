/** Where the stack's state is kept: where its user says, otherwise in a git-ignored directory of this clone. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parse } from "yaml";
import { Failure } from "../model/failure";
import { runToEnd } from "./processes";
import { PROJECT, pulumiHome } from "./project";
import { announce, step } from "./steps";

const LOCAL = join(PROJECT, ".pulumi-local");

export interface BackendSettings {
  readonly env: NodeJS.ProcessEnv;
  /** Text of Pulumi.yaml. */
  readonly project: string;
  /** Text of Pulumi's credentials.json; `undefined`: there is none. */
  readonly credentials: string | undefined;
}

/** What configured a backend, in Pulumi's own order; `undefined`: nothing did. */
export function configuredBackend({ env, project, credentials }: BackendSettings): string | undefined {
  if (env["PULUMI_BACKEND_URL"]) return "PULUMI_BACKEND_URL";
  if (projectIn(project).backend !== undefined) return "Pulumi.yaml";
  if (env["PULUMI_ACCESS_TOKEN"]) return "PULUMI_ACCESS_TOKEN"; // Pulumi logs in with it by itself
  return credentials !== undefined && isLogin(credentials) ? "`pulumi login`" : undefined;
}

/** What is read of a Pulumi.yaml. */
const projectIn = (text: string): { readonly name?: string; readonly backend?: unknown } =>
  parse(text) as { name?: string; backend?: unknown };

function isLogin(credentials: string): boolean {
  try {
    const parsed = JSON.parse(credentials) as Record<string, unknown>;
    // The second one: credentials that Pulumi has encrypted as a whole.
    return Boolean(parsed["current"]) || "$pulumiSecureStore" in parsed;
  } catch {
    return credentials.trim() !== ""; // for Pulumi to complain about
  }
}

/** The directory of Pulumi's credentials.json. */
export const credentialsDirectory = (env: NodeJS.ProcessEnv): string =>
  env["PULUMI_CREDENTIALS_PATH"] || pulumiHome(env);

/** What the engine needs in its environment for the backend: nothing where the user has configured one. */
export function backendEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const project = readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8");
  const credentials = readIfThere(join(credentialsDirectory(env), "credentials.json"));
  if (configuredBackend({ env, project, credentials }) !== undefined) return {};
  const isNew = !existsSync(LOCAL);
  const environment = localBackend(LOCAL, env);
  if (isNew)
    announce(
      "No Pulumi backend is configured: the state is kept in .pulumi-local in this clone, with its secrets encrypted by a\n" +
        "  generated passphrase beside it. Back that directory up: without it nobody can change or destroy the stack.",
    );
  return environment;
}

/**
 * A file backend in `directory`, with a generated passphrase unless `env` has one. The passphrase is only ever named by
 * its file: the environment of a process can be read and is inherited.
 */
export function localBackend(directory: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const state = join(directory, "state");
  const passphrase = join(directory, "passphrase");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  writeFileSync(join(directory, ".gitignore"), "*\n");
  const backend = { PULUMI_BACKEND_URL: pathToFileURL(state).href };
  if (env["PULUMI_CONFIG_PASSPHRASE"] !== undefined || env["PULUMI_CONFIG_PASSPHRASE_FILE"] !== undefined)
    return backend;
  if (!existsSync(passphrase)) {
    if (existsSync(join(state, ".pulumi", "stacks")))
      throw new Failure(
        `${passphrase} is missing, and the secrets of the state beside it cannot be read without it.\n` +
          "Restore it from a backup, or set PULUMI_CONFIG_PASSPHRASE if you used your own.",
      );
    createSecretFile(passphrase, randomBytes(32).toString("base64url"));
  }
  return { ...backend, PULUMI_CONFIG_PASSPHRASE_FILE: passphrase };
}

/** Appears complete or not at all, and never changes: two first runs at the same time both use the first one's. */
function createSecretFile(file: string, secret: string): void {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Whether the stack exists. A file backend is inspected directly, which is quicker than asking the engine. */
export async function stackExists(stack: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const file = stateFile(stack, env);
  if (file !== undefined && existsSync(file)) return true;
  const { code, stderr } = await runToEnd("pulumi", ["stack", "--stack", stack, "--show-name", "--non-interactive"], {
    env,
    cwd: PROJECT,
  });
  if (code === 0) return true;
  if (stderr.includes("no stack named")) return false;
  throw new Failure(reasonOf(stderr) || `pulumi cannot tell whether the stack ${stack} exists`);
}

function stateFile(stack: string, env: NodeJS.ProcessEnv): string | undefined {
  const url = env["PULUMI_BACKEND_URL"] ?? "";
  const project = projectIn(readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8")).name;
  if (!url.startsWith("file:///") || project === undefined) return undefined;
  return join(fileURLToPath(url), ".pulumi", "stacks", project, `${stack}.json`);
}

/** Creates the stack where it does not exist. */
export async function ensureStack(stack: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (await stackExists(stack, env)) return;
  const { code, stderr } = await step(`Creating the stack ${stack}`, () =>
    // Not selected: which stack a bare `pulumi` works on is the user's choice.
    runToEnd("pulumi", ["stack", "init", "--no-select", "--non-interactive", "--stack", stack], { env, cwd: PROJECT }),
  );
  if (code === 0 || (await stackExists(stack, env))) return; // another first run may have created it meanwhile
  const hint = stderr.includes("incorrect passphrase")
    ? `\nPulumi.${stack}.yaml was written with another passphrase (its \`encryptionsalt\`): set PULUMI_CONFIG_PASSPHRASE to it, ` +
      "or restore the backup of .pulumi-local, or remove the file to start over."
    : "";
  throw new Failure(`${reasonOf(stderr)}${hint}`);
}

const reasonOf = (stderr: string): string => stderr.replace(/^error: /, "");

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
