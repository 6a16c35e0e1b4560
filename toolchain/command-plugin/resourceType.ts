/** What a resource type must bring; everything else (check, diff, unknowns in previews) is common to all of them. */
import type { Failure, Fields } from "./fields";
import type { Properties } from "./values";

export interface Step {
  /** The resource's name. */
  readonly name: string;
  /** Aborted, with an RpcError as the reason, by a cancel, a time-out or the engine's end. */
  readonly signal: AbortSignal;
  /** Shows a line beside the resource for as long as it is worked on. */
  log(line: string): Promise<void>;
  /** Shows a message that stays. */
  report(severity: "warning" | "error", message: string): Promise<void>;
}

export interface ResourceType {
  /** As the official plugin's messages name it. */
  readonly goName: string;
  readonly inputs: Fields;
  readonly requiredInputs: readonly string[];
  /** What comes out beside the inputs. */
  readonly outputs: Fields;
  readonly requiredOutputs: readonly string[];
  /** What is wrong with inputs beside their types. */
  refusals(inputs: Properties): Failure[];
  /** Each returns the outputs that it sets. */
  create(inputs: Properties, step: Step): Promise<Properties>;
  update(state: Properties, inputs: Properties, step: Step): Promise<Properties>;
  delete(state: Properties, step: Step): Promise<void>;
}
