/** `pulumi-openclaw check`: the quick checks for the gateways of the stack that Pulumi has selected. */
import { plain } from "../model/plain";
import { checkGateways, render } from "./check";
import { existingGateways } from "./gateways";
import { OPTIONS, readGateways, type Options } from "./stack";

export const CHECK_USAGE = `usage: pulumi-openclaw check ${OPTIONS}

Runs OpenClaw's quick checks on every gateway of the stack, and on those on this machine that no stack owns:
gateway status --deep --require-rpc, gateway probe, status, browser status, and channels status --probe.
Run it on the gateways' machine, in the Pulumi project's directory. Exit code 1 means that something is wrong.`;

/** Runs the checks and prints what they found; returns the exit code. */
export async function runCheck(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const ours = await readGateways(options, env);
  const all = [...ours.gateways, ...existingGateways(ours.gateways)];
  if (all.length) console.error(`Checking ${all.map(({ name }) => name).join(", ")} (takes up to a minute) …`);
  const result = await checkGateways({ ...ours, gateways: all });
  console.log(options.json ? JSON.stringify(result, undefined, 2) : plain(render(result)));
  return result.ok ? 0 : 1;
}
