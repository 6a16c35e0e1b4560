/** Lines for the engine to show beside a resource while it works. */
import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

const NEWLINE = 10;

export class EngineLog {
  private engine: EngineClient | undefined;

  attach(address: string): void {
    this.engine = new EngineClient(address, credentials.createInsecure());
  }

  /** An ephemeral line: shown as status, kept nowhere. One that cannot be delivered is no reason to fail. */
  status(urn: string, message: string): Promise<void> {
    const { engine } = this;
    if (!engine) return Promise.resolve();
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setUrn(urn).setMessage(message).setEphemeral(true);
    return new Promise((resolve) => engine.log(request, () => resolve()));
  }
}

/** Cuts bytes from several streams into lines and hands these on in order, one at a time. */
export class LineLog {
  private rest: Buffer[] = [];
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly write: (line: string) => Promise<void>) {}

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.flush(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.rest.push(chunk.subarray(start));
  }

  /** Resolves when the last line has been handed on. */
  async end(): Promise<void> {
    if (this.rest.length) this.flush(Buffer.alloc(0));
    await this.queue;
  }

  private flush(last: Buffer): void {
    const line = Buffer.concat([...this.rest, last])
      .toString()
      .replace(/\r$/, "");
    this.rest = [];
    this.queue = this.queue.then(() => this.write(line));
  }
}
