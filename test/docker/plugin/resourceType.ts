/** What each resource type of the double brings; what is common to all is in provider.ts. */
import type Docker from "dockerode";

/** As JSON has them: the engine keeps secrets to itself where a plugin does not ask for them. */
export type Properties = Record<string, unknown>;

export interface Made {
  readonly id: string;
  readonly outputs: Properties;
  /** Why it is there and does not work. */
  readonly failure?: string;
}

export interface ResourceType {
  /** All inputs that the double understands: it refuses others. */
  readonly inputs: readonly string[];
  readonly defaults: Properties;
  /** Outputs beside the inputs. */
  readonly outputs: readonly string[];
  /** Inputs whose change replaces nothing. */
  readonly inPlace: readonly string[];
  /** Lists whose order counts. */
  readonly ordered: readonly string[];
  /** Where none is given, a name is made up. */
  readonly namesItself: boolean;
  create(api: Docker, inputs: Properties): Promise<Made>;
  /** Inputs as they are now, and the outputs beside them; undefined where it is gone. */
  read(api: Docker, id: string, inputs: Properties): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  update(api: Docker, id: string, inputs: Properties, olds: Properties): Promise<void>;
  delete(api: Docker, id: string, state: Properties): Promise<void>;
}

export { found } from "../../../deployer/docker/engine";

export const pairs = (list: readonly { label: string; value: string }[] = []): Record<string, string> =>
  Object.fromEntries(list.map(({ label, value }) => [label, value]));
