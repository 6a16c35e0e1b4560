/** The verbs behind `make`: a Pulumi engine that works on this machine, run on the repository's own stack. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../cli/commands";
import { Failure } from "../model/failure";
import { ensureStack, stackExists } from "./backend";
import { prepareTools, pulumiEnvironment } from "./environment";
import {
  AFTER_INTERRUPTED_DOWN,
  AFTER_INTERRUPTION,
  handleSignals,
  onTerminal,
  runToEnd,
  runInForeground,
  wasInterrupted,
} from "./processes";
import { adviceOnDocker } from "./plugin";
import { PROJECT } from "./project";
import { duration, announce } from "./steps";
import { wordsIn } from "./words";
import { gatewaysOf, keptBy, stackSummary, type StackOutputs } from "../cli/summary";

const OLDEST_NODE = 20;
const DEFAULT_STACK = "dev";

const stack = process.env["STACK"] || DEFAULT_STACK;
const otherStack = stack === DEFAULT_STACK ? undefined : stack;

/** Does something with the stack and returns the exit code. */
type Verb = (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

const verbs: Readonly<Record<string, Verb>> = {
  async up(args, env) {
    await ensureStack(stack, env);
    const code = await pulumi(["up", "--stack", stack, ...answers(), ...args], env);
    if (code === 0) await show(env);
    else advise(env);
    return code;
  },

  async preview(args, env) {
    await ensureStack(stack, env);
    const code = await pulumi(["preview", "--diff", "--stack", stack, ...questions(), ...args], env);
    if (code !== 0 && !wasInterrupted()) advise(env); // it has changed nothing
    return code;
  },

  async down(args, env) {
    if (!(await stackExists(stack, env))) {
      announce(`There is no stack ${stack}: nothing to destroy.`);
      return 0;
    }
    const kept = keptBy((await stackGateways(env)).gateways);
    const code = await pulumi(["destroy", "--stack", stack, ...answers(), ...args], env);
    if (code !== 0) {
      if (wasInterrupted()) announce(AFTER_INTERRUPTED_DOWN);
      return code;
    }
    if (kept !== undefined) console.log(`\n${kept}`);
    // Pulumi's own advice, `pulumi stack rm`, does not find our engine and backend.
    console.log(`\nTo remove the stack's configuration and history as well: make pulumi ARGS="stack rm ${stack}"`);
    return code;
  },

  async outputs(args, env) {
    if (!(await stackExists(stack, env)))
      throw new Failure(
        `There is no stack ${stack} yet: \`make up${otherStack ? ` STACK=${otherStack}` : ""}\` creates it.`,
      );
    if (args.length) return pulumi(["stack", "output", "--stack", stack, ...args], env);
    await show(env);
    return 0;
  },

  async check(args, env) {
    if (!(await stackExists(stack, env)))
      throw new Failure(`There is no stack ${stack} yet, so nothing to check: \`make up\` creates it.`);
    return runCommand("check", ["--stack", stack, "--cwd", PROJECT, ...args], env);
  },

  async config(args, env) {
    await ensureStack(stack, env);
    return pulumi(["config", "--stack", stack, ...args], env);
  },

  async pulumi(args, env) {
    const code = await pulumi(args, env);
    const said = afterInterrupted(args[0]);
    if (code !== 0 && wasInterrupted() && said !== undefined) announce(said);
    return code;
  },
};

/** What an interrupted command of Pulumi means for the gateways. */
const afterInterrupted = (command: string | undefined): string | undefined =>
  command === "up" || command === "update"
    ? AFTER_INTERRUPTION
    : command === "destroy" || command === "down"
      ? AFTER_INTERRUPTED_DOWN
      : undefined;

/** The tests create their own environments. Their tools are built beforehand, outside their time limits. */
async function test(args: readonly string[]): Promise<number> {
  const started = Date.now();
  await prepareTools();
  const code = await runInForeground("npm", ["test", "--", ...args], { env: process.env, cwd: PROJECT });
  announce(`Tests, including the tools that they need: ${duration(Date.now() - started)}`);
  return code;
}

const pulumi = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> =>
  runInForeground("pulumi", args, { env, cwd: PROJECT });

/** No questions if nobody can answer them, or nobody wants to. */
const answers = (): readonly string[] =>
  onTerminal() && process.env["YES"] !== "1" ? [] : ["--yes", "--non-interactive"];

const questions = (): readonly string[] => (onTerminal() ? [] : ["--non-interactive"]);

/** For when Pulumi failed and may not have said what to do. */
function advise(env: NodeJS.ProcessEnv): void {
  if (wasInterrupted()) announce(AFTER_INTERRUPTION);
  const config = join(PROJECT, `Pulumi.${stack}.yaml`);
  const advice = existsSync(config) ? adviceOnDocker(readFileSync(config, "utf8"), env) : undefined;
  if (advice !== undefined) announce(advice);
}

async function stackGateways(env: NodeJS.ProcessEnv): Promise<StackOutputs> {
  // The gateways' description counts as a secret, so that no preview shows it in full.
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stack, "--non-interactive"];
  const { code, stdout, stderr } = await runToEnd("pulumi", args, { env, cwd: PROJECT });
  if (code !== 0) throw new Failure(stderr);
  return gatewaysOf(stdout);
}

async function show(env: NodeJS.ProcessEnv): Promise<void> {
  console.log(`\n${await stackSummary(await stackGateways(env), otherStack)}`);
}

/** `typed`: further words, as somebody has typed them for a shell. */
async function main([name = "", typed = ""]: readonly string[]): Promise<number> {
  const args = wordsIn(typed);
  const verb = verbs[name];
  if (!verb && name !== "test") throw new Failure(`There is no verb \`${name}\`; \`make help\` lists them.`);
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE)
    throw new Failure(
      `Node.js ${OLDEST_NODE} or newer is needed; this is ${process.versions.node}.`,
      "install it, or put the directory of one that is new enough first in PATH",
    );
  handleSignals();
  return verb ? verb(args, await pulumiEnvironment()) : test(args);
}

/** A Failure, or an error of the operating system (e.g. a read-only cache): a stack trace would explain nothing. */
const isUsers = (error: unknown): error is Error =>
  error instanceof Failure || (error instanceof Error && "syscall" in error);

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(isUsers(error) ? `error: ${error.message}` : error);
    process.exitCode = 1;
  },
);
