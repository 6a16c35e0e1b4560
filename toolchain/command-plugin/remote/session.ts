/**
 * A session on a connection: variables, then one command. ssh2 itself has no way to hear that a variable was refused,
 * so the requests are sent through its internals; its version is pinned.
 */
import type { Client, ClientChannel } from "ssh2";
import { rejection } from "./errors";

const MAX_WINDOW = 2 * 1024 * 1024;
const PACKET_SIZE = 32 * 1024;

type OnOpen = (error: Error | undefined, channel: Channel) => void;

interface Internals {
  readonly _chanMgr: { add(onOpen: OnOpen & { type: "session" }): number };
  readonly _protocol: {
    session(id: number, window: number, packetSize: number): void;
    env(id: number, name: string, value: string, wantReply: true): void;
    exec(id: number, command: string, wantReply: true): void;
  };
}

interface Channel extends Omit<ClientChannel, "subtype"> {
  readonly outgoing: { readonly id: number; readonly state: string };
  /** For the replies to come, in order. */
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string;
}

export class Session {
  private constructor(
    private readonly protocol: Internals["_protocol"],
    private readonly channel: Channel,
  ) {}

  static open(client: Client): Promise<Session> {
    const { _chanMgr, _protocol } = client as unknown as Internals;
    return new Promise((resolve, reject) => {
      const onOpen: OnOpen = (error, channel) =>
        error ? reject(new Error(rejection(error))) : resolve(new Session(_protocol, channel));
      const id = _chanMgr.add(Object.assign(onOpen, { type: "session" as const }));
      _protocol.session(id, MAX_WINDOW, PACKET_SIZE);
    });
  }

  /** Why not, if it was refused. */
  async setVariable(name: string, value: string): Promise<string | undefined> {
    const id = this.channel.outgoing.id;
    return this.request("ssh: setenv failed", () => this.protocol.env(id, name, value, true));
  }

  /** How the command failed, if it did. */
  async run(
    command: string,
    stdin: string,
    onOutput: (from: "stdout" | "stderr", chunk: Buffer) => void,
  ): Promise<string | undefined> {
    const { channel } = this;
    const ended = ending(channel);
    channel.on("data", (chunk: Buffer) => onOutput("stdout", chunk));
    channel.stderr.on("data", (chunk: Buffer) => onOutput("stderr", chunk));
    const refused = await this.request(`ssh: command ${command} failed`, () =>
      this.protocol.exec(channel.outgoing.id, command, true),
    );
    if (refused) return refused;
    channel.subtype = "exec";

    let isSent = false;
    channel.on("error", () => undefined); // the command need not read it
    if (stdin) channel.write(stdin, () => (isSent = true));
    channel.end();
    const failure = await ended;
    // The official plugin fails where the command has ended well, too, without taking all of a large input.
    return failure ?? (stdin && !isSent ? "EOF" : undefined);
  }

  private request(refusal: string, send: () => void): Promise<string | undefined> {
    const { channel } = this;
    if (channel.outgoing.state !== "open") return Promise.resolve("EOF");
    return new Promise((resolve) => {
      channel._callbacks.push((failed) =>
        resolve(failed ? (channel.outgoing.state === "open" ? refusal : "EOF") : undefined),
      );
      send();
    });
  }
}

/** Resolves when the command has ended and all of its output has been read. */
function ending(channel: Channel): Promise<string | undefined> {
  let failure: string | undefined = "wait: remote command exited without exit status or exit signal";
  channel.on("exit", (code: number | null, signal?: string, _dumped?: boolean, reason?: string) => {
    failure = code === null ? signalText(signal!.replace(/^SIG/, ""), reason) : statusText(code);
  });
  const streams = [channel, channel.stderr].map((stream) => new Promise((resolve) => stream.once("end", resolve)));
  const closed = new Promise((resolve) => channel.once("close", resolve));
  return Promise.all([closed, ...streams]).then(() => failure);
}

const statusText = (code: number): string | undefined =>
  code === 0 ? undefined : `Process exited with status ${code}`;

const SIGNALS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  ABRT: 6,
  FPE: 8,
  KILL: 9,
  SEGV: 11,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
};

const signalText = (name: string, reason: string | undefined): string =>
  `${statusText(128 + (SIGNALS[name] ?? 0))} from signal ${name}${reason ? `. Reason was: ${reason}` : ""}`;
