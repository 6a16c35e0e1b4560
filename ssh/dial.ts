/** Connects to a host, if need be through another, with tries again as the official plugin makes them. */
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "ssh2";
import type { Connection, Endpoint } from "../model/connection";
import { rejection } from "./errors";
import { handshake } from "./handshake";
import { prepareLogin } from "./login";
import { connectTcp } from "./tcp";

const FIRST_DELAY_MS = 100;
const BACK_OFF = 1.5;
const LONGEST_DELAY_MS = 5000;
const NO_LIMIT = -1;

export async function dial(connection: Connection, step: DialStep): Promise<Client> {
  const { host, port, proxy, dialErrorLimit: limit } = connection;
  const login = await prepareLogin(connection);
  if (!proxy) return retrying("Dial", limit, step, () => connect(connection, login, step));

  try {
    const proxyLogin = await prepareLogin(proxy);
    const hop = await retrying("Dial proxy", proxy.dialErrorLimit, step, () => connect(proxy, proxyLogin, step));
    try {
      const stream = await retrying("Dial from proxy", limit, step, () => forward(hop, host, port));
      // As in the official plugin, the same stream each time: once it is closed, no further try can succeed.
      const client = await retrying("Dial", limit, step, () => handshake(stream, login, step.signal));
      return client.once("close", () => hop.end());
    } catch (error) {
      hop.end();
      throw error;
    }
  } catch (error) {
    if (error === step.signal.reason) throw error;
    throw new Error(`proxy: ${(error as Error).message}`, { cause: error });
  }
}

async function connect(
  endpoint: Endpoint,
  login: Awaited<ReturnType<typeof prepareLogin>>,
  step: DialStep,
): Promise<Client> {
  const { host, port, perDialTimeout } = endpoint;
  const socket = await connectTcp(host, port, perDialTimeout);
  return handshake(socket, login, step.signal);
}

export function forward(client: Client, host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) =>
    client.forwardOut("0.0.0.0", 0, host, port, (error, channel) =>
      error ? reject(new Error(rejection(error))) : resolve(channel),
    ),
  );
}

/** Only between two tries is it seen that the step was aborted, but for a handshake that does not end. */
async function retrying<Result>(
  name: string,
  limit: number,
  step: DialStep,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const { signal } = step;
  let delay = FIRST_DELAY_MS;
  for (let failed = 0; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (error === signal.reason) throw error;
      if (limit > NO_LIMIT && failed >= limit)
        throw new Error(`after ${failed} failed attempts: ${(error as Error).message}`, { cause: error });
    }
    await step.log(`${name} ${failed + 1}/${limit === NO_LIMIT ? "inf" : limit} failed: retrying`);
    await sleep(delay, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    delay = Math.min(delay * BACK_OFF, LONGEST_DELAY_MS);
  }
}
export interface DialStep {
  /** Aborted, with an RpcError as the reason, by a cancel or the engine's end. */
  readonly signal: AbortSignal;
  /** Shows a line beside the resource for as long as it is worked on. */
  log(line: string): Promise<void>;
}
