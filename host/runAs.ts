/** Running a program as the account of gateways. */
import type { Identity } from "../inspect/accounts";
import { run, type RunOptions, type RunResult } from "../inspect/run";
import { asIdentity } from "./fences";

export function runAs(
  identity: Identity,
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const { file, args: words, ...who } = asIdentity(identity, command, args);
  return run(file, words, { ...options, ...who });
}
