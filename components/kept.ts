import * as pulumi from "@pulumi/pulumi";
import { withoutStackTraces } from "./stackTraces";

/**
 * A value that is made once and stays the same over every later `up`: its first value lies in the stack's state.
 * `renewed`: another value where it has to change after all; asked when all gateways are known to be right.
 */
export function keptValue(
  name: string,
  first: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
  renewed?: () => string | undefined,
): pulumi.Output<string> {
  // When the resource is declared, nobody knows yet.
  const decide: pulumi.ResourceTransform = ({ props, opts: declared }) => {
    const input = renewed?.();
    return input === undefined
      ? { props, opts: { ...declared, ignoreChanges: ["input"] } }
      : { props: { ...props, input }, opts: { ...declared, replaceOnChanges: ["input"] } };
  };
  const stash = withoutStackTraces(
    () =>
      new pulumi.Stash(
        name,
        { input: first },
        { ...opts, ...(renewed ? { transforms: [decide] } : { ignoreChanges: ["input"] }) },
      ),
  );
  return stash.output.apply((value) => String(value));
}
