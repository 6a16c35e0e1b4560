/** What the two kinds of command have each for itself; all else (check, diff, unknowns in previews) is common to them. */
import type { DialStep } from "../../ssh/dial";
import type { Fields } from "./fields";
import type { Properties } from "./values";

export interface ResourceType {
  /** As the official plugin's messages name it. */
  readonly goName: string;
  readonly inputs: Fields;
  readonly requiredInputs: readonly string[];
  /** Runs a command with its inputs and the state before it; what it returns gives the outputs. */
  run(command: string, inputs: Properties, previous: Properties, step: DialStep): Promise<() => Properties>;
}
