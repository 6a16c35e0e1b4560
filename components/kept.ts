import * as pulumi from "@pulumi/pulumi";
import { withoutStackTraces } from "./stackTraces";

/** A value that is made once and stays the same over every later `up`: its first value lies in the stack's state. */
export function keptValue(
  name: string,
  first: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const stash = withoutStackTraces(
    () => new pulumi.Stash(name, { input: first }, { ...opts, ignoreChanges: ["input"] }),
  );
  return stash.output.apply((value) => String(value));
}
