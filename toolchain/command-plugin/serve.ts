/** Runs a provider as the engine expects it of a plugin. */
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

const MEGABYTE = 1024 * 1024;
const ORPHAN_POLL_MS = 1000;

export interface Served {
  readonly service: UntypedServiceImplementation;
  readonly isIdle: boolean;
  attach?(engineAddress: string): void;
}

export function serve(provider: Served): void {
  const engineAddress = process.argv.slice(2).at(-1);
  if (engineAddress && !engineAddress.startsWith("-")) {
    provider.attach?.(engineAddress);
    endWithEngine(provider);
  }

  const server = new Server({ "grpc.max_receive_message_length": 400 * MEGABYTE });
  server.addService(ResourceProviderService, provider.service);
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(String(port));
  });
}

/** An engine that was killed ends nobody, and this process has the weight of a runtime. */
function endWithEngine(provider: Served): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine && provider.isIdle) process.exit();
  }, ORPHAN_POLL_MS).unref();
}
