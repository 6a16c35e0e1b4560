/** Values that a program knows now, soon, or once for all. */
import * as pulumi from "@pulumi/pulumi";

/**
 * A value that is generated once and stays the same for every later `up`: the stack's state keeps its first value.
 * `renewed`: a new value if it must change after all; called once all gateways are known to be valid.
 */
export function stableValue(
  name: string,
  first: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
  renewed?: () => string | undefined,
): pulumi.Output<string> {
  // This is not known yet when the resource is declared.
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

/**
 * Makes a resource without stack traces. The SDK takes one for each of a resource's promises, to name those that are
 * never settled; ts-node's source maps make each of them slow, and a pair's resources have some five hundred.
 */
export function withoutStackTraces<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** A value from another resource may wait for gateways of this program, which wait for the inspection. */
const PATIENCE_MS = 3_000;

/** A value that is known, or soon will be; undefined if it is not, or cannot be computed. */
export async function knownSoon<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const internals = output as pulumi.Output<T> & OutputInternals<T>;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), PATIENCE_MS)));
  const value = async (): Promise<T | undefined> => ((await internals.isKnown) ? internals.promise() : undefined);
  try {
    return await Promise.race([value(), late]);
  } catch {
    return undefined; // the error is reported where the value is used
  } finally {
    clearTimeout(timer);
  }
}

/** A value where it comes from no resource. */
export async function knownNow(input: pulumi.Input<string> | undefined): Promise<string | undefined> {
  if (input === undefined) return undefined;
  const output = pulumi.output(input) as pulumi.Output<string> & OutputInternals<string>;
  if (output.resources().size) return undefined;
  return (await output.isKnown) ? output.promise() : undefined;
}

/** What the SDK does not declare. */
interface OutputInternals<T> {
  resources(): Set<pulumi.Resource>;
  promise(): Promise<T>;
  readonly isKnown: Promise<boolean>;
}
