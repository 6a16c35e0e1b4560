/** Single inputs, as what they are in this program. Whether they are secret no longer matters. */
import type { Properties } from "./values";

export function textIn(properties: Properties, name: string): string | undefined {
  const content = properties.get(name)?.content;
  return typeof content === "string" ? content : undefined;
}

/** The previous run's output as variables, unless that is not wanted. An empty one is none. */
export function previousOutput(inputs: Properties, previous: Properties): Record<string, string> {
  if (inputs.get("addPreviousOutputInEnv")?.content === false) return {};
  const stdout = textIn(previous, "stdout");
  const stderr = textIn(previous, "stderr");
  return {
    ...(stdout && { PULUMI_COMMAND_STDOUT: stdout }),
    ...(stderr && { PULUMI_COMMAND_STDERR: stderr }),
  };
}
