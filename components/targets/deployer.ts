/** Commands on the deployer, which runs the Pulumi program: by a program of this package, dist/deployer.cjs. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { FORMAT } from "../../deployer/request";
import { withoutStackTraces } from "../stackTraces";
import { builtFile } from "./bootstrap";

/**
 * Where the program lies on whatever machine deploys. The command's text stands in the stack's state, so that it must not
 * differ between machines, checkouts and versions of this library.
 */
const PROGRAM = `pulumi-openclaw/deployer-${FORMAT}.cjs`;
/** In dist/. */
const PROGRAM_FILE = "deployer.cjs";
export const RUN_DEPLOYER = `node "\${XDG_CACHE_HOME:-$HOME/.cache}/${PROGRAM}"`;

interface DeployerCommand {
  /** The verb, and what else somebody who reads a preview should know. */
  readonly words: pulumi.Input<string>;
  /** A verb with the same request. */
  readonly delete?: string;
  /** Goes to the program's standard input. */
  readonly request: pulumi.Input<object>;
  /** Whether a preview shows the request: there is no secret in it. */
  readonly isShown?: boolean;
  readonly triggers?: readonly pulumi.Input<string>[];
}

export function deployerCommand(
  name: string,
  command: DeployerCommand,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  putProgram();
  const stdin = pulumi.output(command.request).apply((value) => JSON.stringify(value));
  const inputs: local.CommandArgs = {
    create: pulumi.interpolate`${RUN_DEPLOYER} ${command.words}`,
    ...(command.delete !== undefined && { delete: `${RUN_DEPLOYER} ${command.delete}` }),
    stdin: command.isShown ? stdin : pulumi.secret(stdin),
    triggers: [...(command.triggers ?? [])],
    addPreviousOutputInEnv: false,
  };
  return withoutStackTraces(() => new local.Command(name, inputs, opts));
}

/** Asks the program during a preview, too: for what only looks. */
export async function askDeployer<Answer>(verb: string, request: object): Promise<Answer> {
  const asking = promisify(execFile)(process.execPath, [builtFile(PROGRAM_FILE), verb], {
    maxBuffer: 64 * 1024 * 1024,
  });
  asking.child.stdin!.end(JSON.stringify(request));
  return JSON.parse((await asking).stdout) as Answer;
}

/** Puts the program where the command's text finds it. */
function putProgram(): void {
  const program = readFileSync(builtFile(PROGRAM_FILE));
  const path = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), PROGRAM);
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
