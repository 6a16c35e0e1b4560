/** `command:local:Command`. */
import { status } from "@grpc/grpc-js";
import { LineLog } from "./engineLog";
import { BOOLEAN, STRING, STRING_MAP, STRINGS, TRIGGERS, type Failure, type FieldType } from "./fields";
import { quote } from "./goText";
import type { ResourceType, Step } from "./resourceType";
import { RpcError } from "./rpcError";
import { runProcess } from "./runProcess";
import { isList, isObject, type Properties, type Value } from "./values";

const LOGGING: FieldType = {
  ...STRING,
  goName: "local.Logging",
  schema: { $ref: "#/types/command:local:Logging" },
};
// Only ever read from a state that the official plugin wrote.
const ASSETS: FieldType = {
  ...STRING_MAP,
  goName: "map[string]*types.AssetOrArchive",
  element: undefined,
  schema: { type: "object", additionalProperties: { $ref: "pulumi.json#/Asset" } },
};
const ARCHIVE: FieldType = {
  goName: "archive.Archive",
  wireName: "archive.Archive",
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
    logging: LOGGING,
    interpreter: STRINGS,
    dir: STRING,
    environment: STRING_MAP,
    assetPaths: STRINGS,
    archivePaths: STRINGS,
    addPreviousOutputInEnv: BOOLEAN,
  },
  outputs: { stdout: STRING, stderr: STRING, assets: ASSETS, archive: ARCHIVE },
  requiredOutputs: ["stdout", "stderr"],

  unsupported: (inputs) =>
    ["assetPaths", "archivePaths"]
      .filter((property) => inputs.has(property))
      .map((property): Failure => ({
        property,
        reason: `${property} needs the official command plugin; ${HOW_TO_INSTALL}`,
      })),

  async create(inputs, step) {
    const command = text(inputs, "create");
    return command === undefined ? outputs(NO_OUTPUT) : outputs(await run(command, inputs, new Map(), step));
  },

  async update(state, inputs, step) {
    const command = text(inputs, "update") ?? text(inputs, "create");
    return command === undefined ? new Map() : outputs(await run(command, inputs, state, step));
  },

  async delete(state, step) {
    const command = text(state, "delete");
    if (command !== undefined) await run(command, state, state, step);
  },
};

export const HOW_TO_INSTALL = "install it with: pulumi plugin install resource command 1.2.1";

interface Output {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const NO_OUTPUT: Output = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

async function run(command: string, inputs: Properties, previous: Properties, step: Step): Promise<Output> {
  const chunks: { readonly from: keyof Output; readonly chunk: Buffer }[] = [];
  const lines = new LineLog((line) => step.log(line));
  const logged = LOGGED.get(text(inputs, "logging") ?? "stdoutAndStderr") ?? [];
  const [program, ...args] = strings(inputs, "interpreter");
  const failure = await runProcess({
    argv: program === undefined ? ["/bin/sh", "-c", command] : [program, ...args, command],
    dir: text(inputs, "dir") || process.cwd(),
    env: environment(inputs, previous),
    stdin: text(inputs, "stdin") ?? "",
    signal: step.signal,
    onOutput: (from, chunk) => {
      chunks.push({ from, chunk });
      if (logged.includes(from)) lines.push(chunk);
    },
  });
  await lines.end();

  const bytes = (...wanted: (keyof Output)[]): Buffer =>
    Buffer.concat(chunks.filter(({ from }) => wanted.includes(from)).map(({ chunk }) => chunk));
  if (failure === undefined) return { stdout: bytes("stdout"), stderr: bytes("stderr") };
  const { code, message } = typeof failure === "string" ? { code: status.UNKNOWN, message: failure } : failure;
  throw new RpcError(code, `${message}: running ${quote(command)}:\n${bytes("stdout", "stderr").toString()}`);
}

const LOGGED: ReadonlyMap<string, readonly (keyof Output)[]> = new Map([
  ["stdout", ["stdout"]],
  ["stderr", ["stderr"]],
  ["stdoutAndStderr", ["stdout", "stderr"]],
]);

/** This process's whole environment, the inputs' over it, and the previous output over that. */
function environment(inputs: Properties, previous: Properties): Record<string, string> {
  const env = { ...(process.env as Record<string, string>) };
  const extra = inputs.get("environment")?.content ?? null;
  if (isObject(extra)) for (const [name, value] of extra) env[name] = textOf(value) ?? "";
  if (inputs.get("addPreviousOutputInEnv")?.content === false) return env;
  const stdout = text(previous, "stdout");
  const stderr = text(previous, "stderr");
  if (stdout) env["PULUMI_COMMAND_STDOUT"] = stdout;
  if (stderr) env["PULUMI_COMMAND_STDERR"] = stderr;
  return env;
}

const outputs = ({ stdout, stderr }: Output): Properties =>
  new Map([
    ["stdout", outputText(stdout)],
    ["stderr", outputText(stderr)],
  ]);

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function outputText(bytes: Buffer): Value {
  try {
    return { content: UTF8.decode(bytes).replace(/\n$/, "") };
  } catch {
    // gRPC cannot carry it. The official plugin fails at this same point, after the command has run.
    throw new RpcError(status.INTERNAL, "grpc: error while marshaling: string field contains invalid UTF-8");
  }
}

const text = (properties: Properties, name: string): string | undefined => textOf(properties.get(name));

const textOf = (value: Value | undefined): string | undefined =>
  typeof value?.content === "string" ? value.content : undefined;

function strings(properties: Properties, name: string): string[] {
  const content = properties.get(name)?.content ?? null;
  return isList(content) ? content.map((element) => textOf(element) ?? "") : [];
}
