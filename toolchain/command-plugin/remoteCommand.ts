/** `command:remote:Command`. */
import { CommandOutput, LOGGING } from "./commandOutput";
import { CONNECTION, readConnection } from "./connection";
import { BOOLEAN, ELSEWHERE, STRING, TRIGGERS } from "./fields";
import { textIn } from "./properties";
import type { ResourceType } from "./resourceType";

/** The order is that of the official plugin's messages. */
export const remoteCommand: ResourceType = {
  goName: "remote.Command",
  inputs: {
    stdin: STRING,
    logging: LOGGING,
    connection: CONNECTION,
    environment: ELSEWHERE,
    // Hardly any host accepts variables.
    addPreviousOutputInEnv: { ...BOOLEAN, here: [false] },
    triggers: TRIGGERS,
    create: STRING,
    update: ELSEWHERE,
    delete: STRING,
  },
  requiredInputs: ["connection"],

  async run(command, inputs, _previous, step) {
    const { runRemotely } = await import("./remote");
    const output = new CommandOutput(inputs, step);
    const failure = await runRemotely({
      connection: readConnection(inputs.get("connection")),
      command,
      stdin: textIn(inputs, "stdin") ?? "",
      step,
      onOutput: output.add,
    });
    return output.end(command, failure);
  },
};
