/** Commands on the deployer, the machine that runs the Pulumi program. This package's dist/deployer.cjs runs them. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { REQUEST_FORMAT } from "../../model/requests";
import { withoutStackTraces } from "../outputs";
import { builtFile } from "./bootstrap";

/** In dist/. */
const PROGRAM_FILE = "deployer.cjs";

/**
 * Where the program is on whatever machine deploys. The command's text is stored in the stack's state, so it must not
 * differ between machines, checkouts and versions of this library. Requests about containers go to one with another
 * name, since an older one does not understand them.
 */
const DEPLOYER_PROGRAMS = {
  hosts: `pulumi-openclaw/deployer-${REQUEST_FORMAT}.cjs`,
  containers: "pulumi-openclaw/containers-1.cjs",
};
type About = keyof typeof DEPLOYER_PROGRAMS;

const pathOf = (about: About): string => `"\${XDG_CACHE_HOME:-$HOME/.cache}/${DEPLOYER_PROGRAMS[about]}"`;
export const runDeployer = (about: About): string => `node ${pathOf(about)}`;

/** A destroy does not put the program there. */
export const runAtDestroy = (about: About, words: string): string =>
  `if [ -f ${pathOf(about)} ]; then ${runDeployer(about)} ${words}; else ` +
  'echo "first run pulumi preview on this machine: it puts the program there that removes this" >&2; exit 1; fi';

export interface DeployerCommand {
  readonly about: About;
  /** The verb, and what else a reader of a preview should know: nothing that another machine has said. */
  readonly words: string;
  /** A verb with the same request. */
  readonly delete?: string;
  /** Goes to the program's standard input. */
  readonly request: pulumi.Input<object>;
  /** Whether a preview shows the request: there is no secret in it. */
  readonly isShown?: boolean;
  readonly triggers?: readonly pulumi.Input<string>[];
  /** Its output is not meant for people. */
  readonly quiet?: true;
}

export function deployerCommand(
  name: string,
  command: DeployerCommand,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  putProgram(command.about);
  const stdin = pulumi.output(command.request).apply((value) => JSON.stringify(value));
  const inputs: local.CommandArgs = {
    create: `${runDeployer(command.about)} ${command.words}`,
    ...(command.delete !== undefined && { delete: runAtDestroy(command.about, command.delete) }),
    stdin: command.isShown ? stdin : pulumi.secret(stdin),
    triggers: [...(command.triggers ?? [])],
    addPreviousOutputInEnv: false,
    ...(command.quiet && { logging: local.Logging.None }),
  };
  return withoutStackTraces(() => new local.Command(name, inputs, opts));
}

/** Asks the program, even during a preview: only for verbs that change nothing. */
export async function askDeployer<Answer>(verb: string, request: object): Promise<Answer> {
  const asking = promisify(execFile)(process.execPath, [builtFile(PROGRAM_FILE), verb], {
    maxBuffer: 64 * 1024 * 1024,
  });
  asking.child.stdin!.end(JSON.stringify(request));
  return JSON.parse((await asking).stdout) as Answer;
}

/** Puts the program where the command's text finds it. */
function putProgram(about: About): void {
  const program = readFileSync(builtFile(PROGRAM_FILE));
  const path = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), DEPLOYER_PROGRAMS[about]);
  if (read(path)?.equals(program)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, program);
  renameSync(temporary, path);
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
