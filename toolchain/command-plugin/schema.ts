/** The package schema, for the tools that ask a plugin for it. The engine itself does not. */
import { CONNECTION, PROXY } from "./connection";
import type { Fields, FieldType } from "./fields";
import type { ResourceType } from "./resourceType";

export const VERSION = "1.2.1";

export const packageSchema = (types: ReadonlyMap<string, ResourceType>): object => ({
  name: "command",
  version: VERSION,
  config: {},
  provider: {},
  types: {
    "command:local:Logging": LOGGING,
    "command:remote:Connection": objectSchema(CONNECTION),
    "command:remote:Logging": LOGGING,
    "command:remote:ProxyConnection": objectSchema(PROXY),
  },
  resources: Object.fromEntries(
    [...types].map(([token, { inputs, requiredInputs, outputs, requiredOutputs }]) => [
      token,
      {
        inputProperties: schemasOf(inputs),
        ...(requiredInputs.length && { requiredInputs }),
        properties: schemasOf({ ...inputs, ...outputs }),
        required: [...requiredInputs, ...requiredOutputs],
      },
    ]),
  ),
  functions: {},
});

const LOGGING = {
  type: "string",
  enum: ["stdout", "stderr", "stdoutAndStderr", "none"].map((value) => ({ value })),
};

const objectSchema = ({ fields = {}, required }: FieldType): object => ({
  type: "object",
  properties: schemasOf(fields),
  required,
});

const schemasOf = (fields: Fields): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, { schema, standard, secret }]) => [
      name,
      { ...schema, ...(standard !== undefined && { default: standard }), ...(secret && { secret }) },
    ]),
  );
