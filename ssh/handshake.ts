/** The SSH handshake on a stream: the host's key, then the ways to log in, in the official plugin's order. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Client, type AnyAuthMethod, type ClientErrorExtensions } from "ssh2";
import { handshakeText } from "./errors";
import type { Login, Method } from "./login";
import { defined } from "../model/defined";

/** Why there is no login: in the official plugin's words, and as facts. */
export class HandshakeError extends Error {
  constructor(
    reason: string,
    readonly facts: {
      /** The host's key, where it showed one. */
      readonly shownKey?: Buffer;
      readonly isOther: boolean;
      /** Formats of host keys: ours, then the host's. */
      readonly offers: readonly string[];
      /** Ways to log in that were tried, and those that the host has; nothing where it was not left to that. */
      readonly login?: { readonly tried: readonly string[]; readonly left: readonly string[] };
    },
  ) {
    super(`ssh: handshake failed: ${reason}`);
  }
}

const HOST_KEY_OFFER = /^Handshake: \((local|remote)\) Host key format: (.*)/;

/** Without a limit of time, as the official plugin has none; but aborting it ends it. */
export function handshake(stream: Duplex, login: Login, signal: AbortSignal): Promise<Client> {
  const client = new Client();
  const logins = new Logins(login);
  const offers: string[] = [];
  let shownKey: Buffer | undefined;
  let isOther = false;
  let abort: () => void;
  const failure = (reason: string): Error =>
    new HandshakeError(
      reason,
      defined({
        isOther,
        offers,
        shownKey,
        login: logins.ways,
      }),
    );
  // What a former try has closed.
  if (stream.destroyed || !stream.writable) return Promise.reject(failure("EOF"));
  return new Promise<Client>((resolve, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    client
      .once("ready", () => resolve(client))
      .on("error", (error: Error & ClientErrorExtensions) => {
        if (error.level === "agent") return logins.agentFailed();
        const reason = isOther ? "ssh: host key mismatch" : logins.failure;
        reject(failure(reason ?? handshakeText(error, stream as Partial<Socket>, offers)));
      })
      .once("close", () => reject(failure("EOF")))
      .connect({
        sock: stream,
        username: login.user,
        readyTimeout: 0,
        ...(login.hostKey && { algorithms: { serverHostKey: [login.hostKey.type as "ssh-ed25519"] } }),
        hostVerifier: (key: Buffer) => {
          shownKey = key;
          return !(isOther = !!login.hostKey && !key.equals(login.hostKey.blob));
        },
        authHandler: (left, isPartial, next) => next(logins.next(left, isPartial) as AnyAuthMethod),
        debug: (line) => {
          const offer = HOST_KEY_OFFER.exec(line)?.[2];
          if (offer !== undefined) offers.push(offer);
        },
      });
  })
    .catch((error: Error) => {
      client.destroy();
      stream.destroy();
      throw error;
    })
    .finally(() => signal.removeEventListener("abort", abort));
}

/** Each way is tried once, in order, where the host offers it. Two ways by key are one: the agent comes after no key. */
class Logins {
  failure: string | undefined;
  private current: Method["type"] | "none" | undefined;
  private readonly tried: string[] = [];
  private left: readonly string[] = [];
  private agentError: string | undefined;

  constructor(private readonly login: Login) {}

  /** Nothing before the first one, which asks what the host has. */
  get ways(): HandshakeError["facts"]["login"] {
    if (this.current === undefined) return undefined;
    return { tried: [...new Set([...this.tried, nameOf(this.current)])], left: this.left };
  }

  next(left: readonly string[] | null, isPartial: boolean | null): object | false {
    const { user: username, methods } = this.login;
    if (this.current === undefined) {
      this.current = "none";
      return { type: "none", username };
    }
    const name = nameOf(this.current);
    if (!isPartial && !this.tried.includes(name)) this.tried.push(name);
    this.left = left ?? this.left;
    const method = methods.find(({ type }) => !this.tried.includes(nameOf(type)) && this.left.includes(nameOf(type)));
    if (!method) {
      this.failure =
        this.agentError ??
        `ssh: unable to authenticate, attempted methods [${this.tried.join(" ")}], no supported methods remain`;
      return false;
    }
    this.current = method.type;
    return { username, ...method };
  }

  agentFailed(): void {
    this.agentError = "agent: client error: EOF";
  }
}

/** As the protocol names it. */
const nameOf = (type: Method["type"] | "none"): string => (type === "agent" ? "publickey" : type);
