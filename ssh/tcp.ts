/** TCP connections, and how they fail in Go's words. */
import { getServers } from "node:dns";
import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { systemText } from "./goText";
import { address } from "./errors";

const KEEP_ALIVE_MS = 15_000;

/** No host at all is this one. The time counts for the connection only, not for what comes after it; 0 is for ever. */
export async function connectTcp(host: string, port: number, seconds: number): Promise<Socket> {
  const deadline = seconds > 0 ? AbortSignal.timeout(seconds * 1000) : undefined;
  const addresses = await resolve(host || "localhost");
  const first = address(addresses[0]!.address, port);
  const socket = connect({ host: host || "localhost", port, lookup: (_host, _options, done) => done(null, addresses) });
  return new Promise((resolve, reject) => {
    const late = (): void => {
      socket.destroy();
      reject(new Error(`dial tcp ${first}: i/o timeout`));
    };
    const failed = (error: NodeJS.ErrnoException | AggregateError): void => {
      const one = "errors" in error ? (error.errors[0] as NodeJS.ErrnoException) : error;
      reject(new Error(`dial tcp ${first}: connect: ${systemText(one)}`));
    };
    if (deadline?.aborted) return late();
    deadline?.addEventListener("abort", late);
    socket.once("error", failed).once("connect", () => {
      deadline?.removeEventListener("abort", late);
      socket.off("error", failed);
      // As Go does: a host that went away is noticed although nothing is being sent.
      resolve(socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS));
    });
  });
}

async function resolve(host: string): Promise<{ address: string; family: number }[]> {
  try {
    return await lookup(host, { all: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [server] = getServers();
    const reason = code === "ENOTFOUND" ? "no such host" : message;
    throw new Error(`dial tcp: lookup ${host}${server ? ` on ${address(server, 53)}` : ""}: ${reason}`, {
      cause: error,
    });
  }
}
