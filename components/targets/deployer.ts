/** Commands on the deployer, which runs the Pulumi program: by a program of this package, dist/deployer.cjs. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
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
export const RUN_DEPLOYER = `node "\${XDG_CACHE_HOME:-$HOME/.cache}/${PROGRAM}"`;

/** `words`: the verb, and what else somebody who reads a preview should know. */
export function deployerCommand(
  name: string,
  words: pulumi.Input<string>,
  request: pulumi.Input<object>,
  triggers: readonly pulumi.Input<string>[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  putProgram();
  const inputs: local.CommandArgs = {
    create: pulumi.interpolate`${RUN_DEPLOYER} ${words}`,
    stdin: pulumi.secret(pulumi.output(request).apply((value) => JSON.stringify(value))),
    triggers: [...triggers],
    addPreviousOutputInEnv: false,
  };
  return withoutStackTraces(() => new local.Command(name, inputs, opts));
}

/** Puts the program where the command's text finds it. */
function putProgram(): void {
  const program = readFileSync(builtFile("deployer.cjs"));
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
