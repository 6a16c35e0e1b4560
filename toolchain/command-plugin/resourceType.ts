/** What the two kinds of command have each for itself; all else (check, diff, unknowns in previews) is common to them. */
import type { Fields } from "./fields";
import type { Properties } from "./values";

export interface Step {
  /** Aborted, with an RpcError as the reason, by a cancel or the engine's end. */
  readonly signal: AbortSignal;
  /** Shows a line beside the resource for as long as it is worked on. */
  log(line: string): Promise<void>;
}

export interface ResourceType {
  /** As the official plugin's messages name it. */
  readonly goName: string;
  readonly inputs: Fields;
  readonly requiredInputs: readonly string[];
  /** Runs a command with its inputs and the state before it; what it returns gives the outputs. */
  run(command: string, inputs: Properties, previous: Properties, step: Step): Promise<() => Properties>;
}
