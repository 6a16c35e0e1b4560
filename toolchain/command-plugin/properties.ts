/** Single inputs, as what they are in this program. Whether they are secret no longer matters. */
import { isList, isObject, type Properties, type Value } from "./values";

export const textIn = (properties: Properties, name: string): string | undefined => textOf(properties.get(name));

const textOf = (value: Value | undefined): string | undefined =>
  typeof value?.content === "string" ? value.content : undefined;

export function textsIn(properties: Properties, name: string): string[] {
  const content = properties.get(name)?.content ?? null;
  return isList(content) ? content.map((element) => textOf(element) ?? "") : [];
}

export function textMapIn(properties: Properties, name: string): Record<string, string> {
  const content = properties.get(name)?.content ?? null;
  return isObject(content) ? Object.fromEntries([...content].map(([key, value]) => [key, textOf(value) ?? ""])) : {};
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
