/**
 * What needs SSH: a separate bundle, which only programs with a host over SSH load. It dials as the command plugin
 * does, but once: the host's key is compared before anything else, and the ways to log in are tried in the same order.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import type { Connection, Endpoint } from "../model/connection";
import { forward } from "./dial";
import { handshake, HandshakeError } from "./handshake";
import { LoginError, prepareLogin, type Login } from "./login";
import { connectTcp } from "./tcp";
import type { Refusal, HostAnswer } from "./answer";

const CONNECT_SECONDS = 5;
/** Including the connection. A host takes 2 to 3 s to refuse each way to log in. */
const LOGIN_SECONDS = 12;
/** Including the login. */
const WHOLE_SECONDS = 20;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Runs a script with `sh` on a host. Every failure is an answer too. */
export async function askHost(connection: Connection, script: string): Promise<HostAnswer> {
  const clients: Client[] = [];
  const end = AbortSignal.timeout(WHOLE_SECONDS * 1000);
  try {
    const client = await dialHost(connection, clients, AbortSignal.timeout(LOGIN_SECONDS * 1000));
    return await runScript(client, script, end);
  } catch (error) {
    return error instanceof Refused ? error.refusal : { silence: shortened(error as Error) };
  } finally {
    for (const client of clients.reverse()) client.end().destroy();
  }
}

/** A host that answered, but refused the login. */
class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super();
  }
}

async function dialHost(connection: Connection, clients: Client[], signal: AbortSignal): Promise<Client> {
  const { proxy, host, port } = connection;
  const enter = async (door: Door, stream: Promise<Duplex>): Promise<Client> => {
    const client = await logIn(door, await within(signal, stream), signal);
    clients.push(client);
    return client;
  };
  const atHost = await prepared("host", connection);
  if (!proxy) return enter(atHost, connected(connection));
  const hop = await enter(await prepared("proxy", proxy), connected(proxy));
  return enter(atHost, forward(hop, host, port));
}

/** Which of the two machines, and how to log in to it. */
interface Door {
  readonly at: Refusal["at"];
  readonly login: Login;
}

/** A step without its own time limit, e.g. looking up an address. */
function within<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );
  return Promise.race([step, late]);
}

const connected = ({ host, port }: Endpoint): Promise<Socket> => connectTcp(host, port, CONNECT_SECONDS);

async function prepared(at: Refusal["at"], endpoint: Endpoint): Promise<Door> {
  try {
    return { at, login: await prepareLogin(endpoint) };
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    throw new Refused({ at, unusable: error.property, because: error.because });
  }
}

async function logIn({ at, login }: Door, stream: Duplex, signal: AbortSignal): Promise<Client> {
  signal.throwIfAborted();
  try {
    return await handshake(stream, login, signal);
  } catch (error) {
    // The command plugin would wait forever.
    if (signal.aborted) throw new Refused({ at, isMute: true });
    if (!(error instanceof HandshakeError)) throw error;
    const { shownKey, isOther, offers, login: ways } = error.facts;
    if (isOther) throw new Refused({ at, shownKey: shownKey!.toString("base64") });
    const theirs = offers[1]?.split(",").filter((name) => /^[\w@.-]+$/.test(name));
    if (!shownKey && theirs && !theirs.includes(login.hostKey!.type)) throw new Refused({ at, keyTypes: theirs });
    if (ways) throw new Refused({ at, user: login.user, tried: [...ways.tried], possible: [...ways.left] });
    throw error;
  }
}

function runScript(client: Client, script: string, signal: AbortSignal): Promise<HostAnswer> {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => (): void => reject(new Error(reason));
    signal.addEventListener("abort", fail(`not finished within ${WHOLE_SECONDS} s`));
    client.once("close", fail("connection lost"));
    client.exec("sh -s", (error, channel) => {
      if (error) return resolve({ output: "", errors: error.message });
      let size = 0;
      const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
        if ((size += chunk.length) > MAX_OUTPUT_BYTES) return fail("its answer has no end")();
        chunks.push(chunk);
      };
      channel.on("data", keep(output)).on("error", () => undefined); // the host need not read the whole script
      channel.stderr.on("data", keep(errors));
      channel.once("close", () =>
        resolve({ output: Buffer.concat(output).toString(), errors: Buffer.concat(errors).toString() }),
      );
      channel.end(script);
    });
  });
}

/** Without the address, which may be a secret of the program. */
const shortened = ({ name, message }: Error): string =>
  name === "TimeoutError" ? `no answer within ${LOGIN_SECONDS} s` : message.slice(message.lastIndexOf(": ") + 1).trim();
