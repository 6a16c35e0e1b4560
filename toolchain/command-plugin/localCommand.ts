/** `command:local:Command`. */
import { CommandOutput, LOGGING } from "./commandOutput";
import { BOOLEAN, ELSEWHERE, STRING, TRIGGERS } from "./fields";
import { previousOutput, textIn } from "./properties";
import type { ResourceType } from "./resourceType";
import { runProcess } from "./runProcess";

/** The order is that of the official plugin's messages. */
export const localCommand: ResourceType = {
  goName: "local.Command",
  inputs: {
    triggers: TRIGGERS,
    create: STRING,
    update: ELSEWHERE,
    delete: STRING,
    stdin: STRING,
    logging: LOGGING,
    interpreter: ELSEWHERE,
    dir: ELSEWHERE,
    environment: ELSEWHERE,
    assetPaths: ELSEWHERE,
    archivePaths: ELSEWHERE,
    addPreviousOutputInEnv: BOOLEAN,
  },
  requiredInputs: [],

  async run(command, inputs, previous, step) {
    const output = new CommandOutput(inputs, step);
    const failure = await runProcess({
      command,
      // This process's whole environment.
      env: { ...process.env, ...previousOutput(inputs, previous) },
      stdin: textIn(inputs, "stdin") ?? "",
      signal: step.signal,
      onOutput: output.add,
    });
    return output.end(command, failure);
  },
};
