import type { Metadata, status } from "@grpc/grpc-js";

/** An error whose code matters to the engine. Any other error reaches it as UNKNOWN, as is usual among Go plugins. */
export class RpcError extends Error {
  constructor(
    readonly code: status,
    message: string,
    readonly metadata?: Metadata,
  ) {
    super(message);
  }
}
