/** `command:remote:Command`. */
import { CommandOutput, loggingType, stepsOf } from "./commandOutput";
import { CONNECTION, readConnection } from "./connection";
import { BOOLEAN, STRING, STRING_MAP, TRIGGERS } from "./fields";
import { previousOutput, textIn, textMapIn } from "./properties";
import type { ResourceType, Step } from "./resourceType";
import type { Properties } from "./values";

/** The order is that of the official plugin's messages. */
export const remoteCommand: ResourceType = {
  goName: "remote.Command",
  inputs: {
    stdin: STRING,
    logging: loggingType("remote"),
    connection: CONNECTION,
    environment: STRING_MAP,
    addPreviousOutputInEnv: BOOLEAN,
    triggers: TRIGGERS,
    create: STRING,
    update: STRING,
    delete: STRING,
  },
  requiredInputs: ["connection"],
  outputs: { stdout: STRING, stderr: STRING },
  requiredOutputs: ["stdout", "stderr"],

  refusals: () => [],

  ...stepsOf(run),
};

async function run(command: string, inputs: Properties, previous: Properties, step: Step): Promise<() => Properties> {
  const { runRemotely } = await import("./remote");
  const output = new CommandOutput(inputs, step);
  const failure = await runRemotely({
    connection: readConnection(inputs.get("connection")),
    command,
    environment: textMapIn(inputs, "environment"),
    previousOutput: previousOutput(inputs, previous),
    stdin: textIn(inputs, "stdin") ?? "",
    step,
    onOutput: output.add,
  });
  return output.end(command, failure);
}
