/** `command:local:Command`. */
import { CommandOutput, loggingType, stepsOf } from "./commandOutput";
import { BOOLEAN, STRING, STRING_MAP, STRINGS, TRIGGERS, type Failure, type FieldType } from "./fields";
import { previousOutput, textIn, textMapIn, textsIn } from "./properties";
import type { ResourceType, Step } from "./resourceType";
import { runProcess } from "./runProcess";
import { ARCHIVE, type Properties } from "./values";

// Only ever read from a state that the official plugin wrote.
const ASSETS: FieldType = {
  ...STRING_MAP,
  goName: "map[string]*types.AssetOrArchive",
  element: undefined,
  schema: { type: "object", additionalProperties: { $ref: "pulumi.json#/Asset" } },
};
const ARCHIVE_OUTPUT: FieldType = {
  goName: ARCHIVE,
  wireNames: [ARCHIVE],
  zero: null,
  schema: { $ref: "pulumi.json#/Archive" },
};

/** The order is that of the official plugin's messages. */
export const localCommand: ResourceType = {
  goName: "local.Command",
  inputs: {
    triggers: TRIGGERS,
    create: STRING,
    update: STRING,
    delete: STRING,
    stdin: STRING,
    logging: loggingType("local"),
    interpreter: STRINGS,
    dir: STRING,
    environment: STRING_MAP,
    assetPaths: STRINGS,
    archivePaths: STRINGS,
    addPreviousOutputInEnv: BOOLEAN,
  },
  requiredInputs: [],
  outputs: { stdout: STRING, stderr: STRING, assets: ASSETS, archive: ARCHIVE_OUTPUT },
  requiredOutputs: ["stdout", "stderr"],

  refusals: (inputs) =>
    ["assetPaths", "archivePaths"]
      .filter((property) => inputs.has(property))
      .map((property): Failure => ({
        property,
        reason: `${property} needs the official command plugin; ${HOW_TO_INSTALL}`,
      })),

  ...stepsOf(run),
};

export const HOW_TO_INSTALL = "install it with: pulumi plugin install resource command 1.2.1";

async function run(command: string, inputs: Properties, previous: Properties, step: Step): Promise<() => Properties> {
  const output = new CommandOutput(inputs, step);
  const [program, ...args] = textsIn(inputs, "interpreter");
  const failure = await runProcess({
    argv: program === undefined ? ["/bin/sh", "-c", command] : [program, ...args, command],
    dir: textIn(inputs, "dir") || process.cwd(),
    // This process's whole environment, the inputs' over it, and the previous output over that.
    env: {
      ...(process.env as Record<string, string>),
      ...textMapIn(inputs, "environment"),
      ...previousOutput(inputs, previous),
    },
    stdin: textIn(inputs, "stdin") ?? "",
    signal: step.signal,
    onOutput: output.add,
  });
  return output.end(command, failure);
}
