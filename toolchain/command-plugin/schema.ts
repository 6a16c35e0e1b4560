/** The package schema, for the tools that ask a plugin for it. The engine itself does not. */
import type { Fields } from "./fields";
import type { ResourceType } from "./resourceType";

export const VERSION = "1.2.1";

export const packageSchema = (types: ReadonlyMap<string, ResourceType>): object => ({
  name: "command",
  version: VERSION,
  config: {},
  provider: {},
  types: {
    "command:local:Logging": {
      type: "string",
      enum: ["stdout", "stderr", "stdoutAndStderr", "none"].map((value) => ({ value })),
    },
  },
  resources: Object.fromEntries(
    [...types].map(([token, { inputs, outputs, requiredOutputs }]) => [
      token,
      {
        inputProperties: schemasOf(inputs),
        properties: schemasOf({ ...inputs, ...outputs }),
        required: requiredOutputs,
      },
    ]),
  ),
  functions: {},
});

const schemasOf = (fields: Fields): object =>
  Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
