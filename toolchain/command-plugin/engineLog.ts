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

  /** An ephemeral line: shown as status, kept nowhere. */
  status(urn: string, message: string): Promise<void> {
    return this.send(urn, message, LogSeverity.INFO, true);
  }

  report(urn: string, severity: "warning" | "error", message: string): Promise<void> {
    return this.send(urn, message, severity === "error" ? LogSeverity.ERROR : LogSeverity.WARNING, false);
  }

  /** A line that cannot be delivered is no reason to fail. */
  private send(
    urn: string,
    message: string,
    severity: Parameters<LogRequest["setSeverity"]>[0],
    ephemeral: boolean,
  ): Promise<void> {
    const { engine } = this;
    if (!engine) return Promise.resolve();
    const request = new LogRequest().setSeverity(severity).setUrn(urn).setMessage(message).setEphemeral(ephemeral);
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
