import type * as pulumi from "@pulumi/pulumi";
import type { OutputInternals } from "../../program";

/** What another resource makes may wait for gateways of this program, which wait for the look. */
const PATIENCE_MS = 3_000;

/** A value that is known, or will be in a moment; nothing where it is not, or cannot be made. */
export async function knownSoon<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const internals = output as pulumi.Output<T> & OutputInternals<T>;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), PATIENCE_MS)));
  const value = async (): Promise<T | undefined> => ((await internals.isKnown) ? internals.promise() : undefined);
  try {
    return await Promise.race([value(), late]);
  } catch {
    return undefined; // refused where it is used
  } finally {
    clearTimeout(timer);
  }
}
