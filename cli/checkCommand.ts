/** `pulumi-openclaw check`: the quick checks for the gateways of the stack that Pulumi has selected. */
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { plain } from "../model/plain";
import { foreignGateways, gatewaysOfState } from "./gateways";
import { check, render } from "./check";

export const USAGE = `usage: pulumi-openclaw check [--stack NAME] [--cwd DIRECTORY] [--json]

Runs OpenClaw's quick checks on every gateway of the stack, and on those on this machine that no stack owns:
gateway status --deep --require-rpc, gateway probe, status, browser status.
Run it on the gateways' machine, in the Pulumi project's directory. Exit code 1 means that something is wrong.`;

/** Largest state that is read. */
const MAX_STATE_BYTES = 256 * 1024 * 1024;

/** Reads the state of a stack; secrets in it stay encrypted. */
async function exportState(stack: string | undefined, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const args = ["stack", "export", "--non-interactive", ...(stack === undefined ? [] : ["--stack", stack])];
  const { stdout } = await promisify(execFile)("pulumi", args, { maxBuffer: MAX_STATE_BYTES, cwd, env });
  return stdout;
}

/** Runs the checks and prints what they found; returns the exit code. */
export async function runCheck(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { stack, cwd, json, help } = parseArgs({
    args: [...args],
    options: {
      stack: { type: "string" },
      cwd: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  }).values;
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const ours = gatewaysOfState(await exportState(stack, cwd ?? ".", env));
  const all = [...ours.gateways, ...foreignGateways(ours.gateways)];
  if (all.length) console.error(`Checking ${all.map(({ name }) => name).join(", ")} (takes up to a minute) …`);
  const result = await check({ ...ours, gateways: all });
  console.log(json ? JSON.stringify(result, undefined, 2) : plain(render(result)));
  return result.ok ? 0 : 1;
}
