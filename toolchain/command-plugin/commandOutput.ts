/** What a command writes: kept, cut into lines for the engine, and in the end an output or part of an error. */
import { status } from "@grpc/grpc-js";
import { LineLog } from "./engineLog";
import { STRING, type FieldType } from "./fields";
import { quote } from "./goText";
import { textIn } from "./properties";
import type { ResourceType, Step } from "./resourceType";
import { RpcError } from "./rpcError";
import type { Properties, Value } from "./values";

export type Stream = "stdout" | "stderr";

export const loggingType = (module: "local" | "remote"): FieldType => ({
  ...STRING,
  goName: `${module}.Logging`,
  schema: { $ref: `#/types/command:${module}:Logging` },
});

const LOGGED: ReadonlyMap<string, readonly Stream[]> = new Map([
  ["stdout", ["stdout"]],
  ["stderr", ["stderr"]],
  ["stdoutAndStderr", ["stdout", "stderr"]],
]);

export class CommandOutput {
  private readonly chunks: { readonly from: Stream; readonly chunk: Buffer }[] = [];
  private readonly lines: LineLog;
  private readonly logged: readonly Stream[];

  constructor(inputs: Properties, step: Step) {
    this.lines = new LineLog((line) => step.log(line));
    this.logged = LOGGED.get(textIn(inputs, "logging") ?? "stdoutAndStderr") ?? [];
  }

  readonly add = (from: Stream, chunk: Buffer): void => {
    this.chunks.push({ from, chunk });
    if (this.logged.includes(from)) this.lines.push(chunk);
  };

  /** The outputs of a command that has ended; throws why it failed, if it did. */
  async end(command: string, failure: string | RpcError | undefined): Promise<() => Properties> {
    await this.lines.end();
    if (failure === undefined) return () => outputs(this.bytes("stdout"), this.bytes("stderr"));
    const { code, message } = typeof failure === "string" ? { code: status.UNKNOWN, message: failure } : failure;
    throw new RpcError(code, `${message}: running ${quote(command)}:\n${this.bytes("stdout", "stderr").toString()}`);
  }

  private bytes(...wanted: Stream[]): Buffer {
    return Buffer.concat(this.chunks.filter(({ from }) => wanted.includes(from)).map(({ chunk }) => chunk));
  }
}

/** Runs a command with its inputs and the state before it; what it returns gives the outputs. */
type Run = (command: string, inputs: Properties, previous: Properties, step: Step) => Promise<() => Properties>;

/** When a command of either kind is run, and which of its texts. */
export const stepsOf = (run: Run): Pick<ResourceType, "create" | "update" | "delete"> => ({
  async create(inputs, step) {
    const command = textIn(inputs, "create");
    return command === undefined ? NO_OUTPUT() : (await run(command, inputs, new Map(), step))();
  },

  async update(state, inputs, step) {
    const command = textIn(inputs, "update") ?? textIn(inputs, "create");
    return command === undefined ? new Map() : (await run(command, inputs, state, step))();
  },

  async delete(state, step) {
    const command = textIn(state, "delete");
    if (command !== undefined) await run(command, state, state, step);
  },
});

const NO_OUTPUT = (): Properties => outputs(Buffer.alloc(0), Buffer.alloc(0));

const outputs = (stdout: Buffer, stderr: Buffer): Properties =>
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
