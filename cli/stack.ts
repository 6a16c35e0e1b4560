/** The stack that a command is about. */
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { gatewaysOfState, type StackGateways } from "./gateways";

/** Largest state that is read. */
const MAX_STATE_BYTES = 256 * 1024 * 1024;

export interface Options {
  readonly stack?: string;
  readonly cwd?: string;
  readonly json?: boolean;
  readonly help?: boolean;
}

export const OPTIONS = "[--stack NAME] [--cwd DIRECTORY] [--json]";

/** @throws TypeError for an unknown option. */
export const readOptions = (args: readonly string[]): Options =>
  parseArgs({
    args: [...args],
    options: {
      stack: { type: "string" },
      cwd: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  }).values;

/** Its gateways, by its state: secrets in it stay encrypted. */
export async function readGateways({ stack, cwd = "." }: Options, env: NodeJS.ProcessEnv): Promise<StackGateways> {
  const args = ["stack", "export", "--non-interactive", ...(stack === undefined ? [] : ["--stack", stack])];
  const { stdout } = await promisify(execFile)("pulumi", args, { maxBuffer: MAX_STATE_BYTES, cwd, env });
  return gatewaysOfState(stdout);
}
