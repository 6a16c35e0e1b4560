/** What a command writes: kept, cut into lines for the engine, and in the end an output or part of an error. */
import { status } from "@grpc/grpc-js";
import { LineLog } from "./engineLog";
import { STRING, type FieldType } from "./fields";
import { goQuoted } from "../../ssh/goText";
import { textIn } from "./properties";
import type { DialStep } from "../../ssh/dial";
import { RpcError } from "./rpcError";
import type { Properties, Value } from "./values";

export type Stream = "stdout" | "stderr";

/** A host may never stop answering. The official plugin keeps it all. */
const MOST_BYTES = 64 * 1024 * 1024;

const QUIET = "none";
export const LOGGING: FieldType = { ...STRING, here: [undefined, QUIET] };

export class CommandOutput {
  private readonly chunks: { readonly from: Stream; readonly chunk: Buffer }[] = [];
  private readonly lines: LineLog;
  private readonly isQuiet: boolean;
  private size = 0;

  constructor(inputs: Properties, step: DialStep) {
    this.lines = new LineLog((line) => step.log(line));
    this.isQuiet = textIn(inputs, "logging") === QUIET;
  }

  readonly add = (from: Stream, chunk: Buffer): void => {
    this.size += chunk.length;
    if (this.size > MOST_BYTES) return;
    this.chunks.push({ from, chunk });
    if (!this.isQuiet) this.lines.push(chunk);
  };

  /** The outputs of a command that has ended; throws why it failed, if it did. */
  async end(command: string, failure: string | RpcError | undefined): Promise<() => Properties> {
    await this.lines.end();
    if (this.size > MOST_BYTES)
      throw new RpcError(status.UNKNOWN, `more than ${MOST_BYTES >> 20} MB of output: running ${goQuoted(command)}`);
    if (failure === undefined) return () => outputs(this.bytes("stdout"), this.bytes("stderr"));
    const { code, message } = typeof failure === "string" ? { code: status.UNKNOWN, message: failure } : failure;
    throw new RpcError(code, `${message}: running ${goQuoted(command)}:\n${this.bytes("stdout", "stderr").toString()}`);
  }

  private bytes(...wanted: Stream[]): Buffer {
    return Buffer.concat(this.chunks.filter(({ from }) => wanted.includes(from)).map(({ chunk }) => chunk));
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const outputs = (stdout: Buffer, stderr: Buffer): Properties =>
  new Map([
    ["stdout", outputText(stdout)],
    ["stderr", outputText(stderr)],
  ]);

function outputText(bytes: Buffer): Value {
  try {
    return { content: UTF8.decode(bytes).replace(/\n$/, "") };
  } catch {
    // gRPC cannot carry it. The official plugin fails at this same point, after the command has run.
    throw new RpcError(status.INTERNAL, "grpc: error while marshaling: string field contains invalid UTF-8");
  }
}

export const NO_OUTPUT = outputs(Buffer.alloc(0), Buffer.alloc(0));
