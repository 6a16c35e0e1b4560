/** What a resource type must bring; everything else (check, diff, unknowns in previews) is common to all of them. */
import type { Failure, Fields } from "./fields";
import type { Properties } from "./values";

export interface Step {
  /** The resource's name. */
  readonly name: string;
  /** Aborted, with an RpcError as the reason, by a cancel, a time-out or the engine's end. */
  readonly signal: AbortSignal;
  /** Shows a line beside the resource. */
  log(line: string): Promise<void>;
}

export interface ResourceType {
  /** As the official plugin's messages name it. */
  readonly goName: string;
  readonly inputs: Fields;
  /** What comes out beside the inputs. */
  readonly outputs: Fields;
  readonly requiredOutputs: readonly string[];
  /** Inputs that are right but not supported here. */
  unsupported(inputs: Properties): Failure[];
  /** Each returns the outputs that it sets. */
  create(inputs: Properties, step: Step): Promise<Properties>;
  update(state: Properties, inputs: Properties, step: Step): Promise<Properties>;
  delete(state: Properties, step: Step): Promise<void>;
}
