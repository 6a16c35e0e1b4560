/** The calls that are being served, each of which can be aborted: by a cancel, its time-out or the engine's end. */
import { status, type handleUnaryCall } from "@grpc/grpc-js";
import { RpcError } from "./rpcError";

const CANCELED = new RpcError(status.CANCELLED, "context canceled");
const DEADLINE_EXCEEDED = new RpcError(status.DEADLINE_EXCEEDED, "context deadline exceeded");
/** Node's timers end at once beyond it: nearly 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

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
            done({ code, details: error.message, ...(metadata && { metadata }) });
          },
        );
    };
  }
}

/** Aborts a call after whole seconds, as the official plugin does: half a second is none at all, and 0 is for ever. */
export function limit(call: AbortController, seconds: number): void {
  if (seconds === 0) return;
  if (seconds < 1) return call.abort(DEADLINE_EXCEEDED);
  const milliseconds = Math.min(Math.trunc(seconds) * 1000, LONGEST_MS);
  setTimeout(() => call.abort(DEADLINE_EXCEEDED), milliseconds).unref();
}
