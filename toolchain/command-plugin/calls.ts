/** The calls that are being served, each of which can be aborted: by a cancel or the engine's end. */
import { status, type handleUnaryCall } from "@grpc/grpc-js";
import { RpcError } from "./rpcError";
import { defined } from "../../model/defined";

const CANCELED = new RpcError(status.CANCELLED, "context canceled");

export class Calls {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /** Aborts what runs now, and whatever will still come. */
  cancel(): void {
    this.cancelled = true;
    for (const call of this.running) call.abort(CANCELED);
  }

  /** A handler in gRPC's form. What it throws reaches the engine as a code and a message. */
  unary<Request, Response>(
    handle: (request: Request, call: AbortController) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, done) => {
      const controller = new AbortController();
      if (this.cancelled) controller.abort(CANCELED);
      call.on("cancelled", () => controller.abort(CANCELED));
      this.running.add(controller);
      Promise.resolve()
        .then(() => handle(call.request, controller))
        .finally(() => this.running.delete(controller))
        .then(
          (response) => done(null, response),
          (error: Error) => {
            const { code = status.UNKNOWN, metadata } = error instanceof RpcError ? error : {};
            done(defined({ code, details: sendable(error.message), metadata }));
          },
        );
    };
  }
}

/** What a header holds, as gRPC encodes a message: up to three characters for a byte. */
const LONGEST = 60_000;

/** Cuts a message that Node.js would never send, so that the call would never end. */
function sendable(message: string): string {
  if (encodeURI(message).length <= LONGEST) return message;
  const bytes = Buffer.from(message);
  return `${bytes.subarray(0, 4000).toString()}\n[…]\n${bytes.subarray(-15_000).toString()}`;
}
