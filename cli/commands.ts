/** The verbs of `pulumi-openclaw`. */
import * as check from "./checkCommand";
import { readOptions, type Options } from "./stack";
import * as status from "./statusCommand";

export const CANNOT_RUN = 2;

interface Verb {
  readonly usage: string;
  run(options: Options, env: NodeJS.ProcessEnv): Promise<number>;
}

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ["check", { usage: check.CHECK_USAGE, run: check.runCheck }],
  ["status", { usage: status.STATUS_USAGE, run: status.runStatus }],
]);

/** Runs a verb and returns the exit code: 0, 1 where something is wrong, 2 where it cannot run. */
export async function runCommand(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const verb = VERBS.get(name);
  if (!verb) {
    console.error([...VERBS.values()].map(({ usage }) => usage).join("\n\n"));
    return name === "--help" ? 0 : CANNOT_RUN;
  }
  const options = readOptions(args);
  if (!options.help) return verb.run(options, env);
  console.log(verb.usage);
  return 0;
}
