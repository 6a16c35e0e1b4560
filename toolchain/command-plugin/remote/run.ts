/** Runs one command on another host. */
import type { Client, ClientChannel } from "ssh2";
import type { Connection } from "../../../model/connection";
import { type DialStep, dial } from "../../../ssh/dial";
import { rejection } from "../../../ssh/errors";

/** ssh2's word for it. */
const REFUSED = "Unable to exec";

export interface RemoteRun {
  readonly connection: Connection;
  readonly command: string;
  readonly stdin: string;
  readonly step: DialStep;
  onOutput(from: "stdout" | "stderr", chunk: Buffer): void;
}

/** How the command failed, if it did. Throws why it was not run. Once it runs, a cancel does not end it. */
export async function runRemotely(run: RemoteRun): Promise<string | undefined> {
  const client = await dial(run.connection, run.step);
  try {
    return await running(client, run);
  } finally {
    client.end();
  }
}

function running(client: Client, run: RemoteRun): Promise<string | undefined> {
  const { command } = run;
  return new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => {
      // A quick command ends together with the news of its start, so that its end is waited for from there on.
      if (!error) resolve(ending(channel, run));
      else if (error.message === REFUSED) resolve(`ssh: command ${command} failed`);
      else reject(new Error(rejection(error)));
    }),
  );
}

/** Resolves when the command has ended and all of its output has been read. */
async function ending(channel: ClientChannel, run: RemoteRun): Promise<string | undefined> {
  let failure: string | undefined = "wait: remote command exited without exit status or exit signal";
  channel.on("exit", (code: number | null, signal?: string, _dumped?: boolean, reason?: string) => {
    failure = code === null ? signalText(signal!.replace(/^SIG/, ""), reason) : statusText(code);
  });
  channel.on("data", (chunk: Buffer) => run.onOutput("stdout", chunk));
  channel.stderr.on("data", (chunk: Buffer) => run.onOutput("stderr", chunk));
  channel.on("error", () => undefined); // the command need not read it
  const streams = [channel, channel.stderr].map((stream) => new Promise((resolve) => stream.once("end", resolve)));
  const closed = new Promise((resolve) => channel.once("close", resolve));

  let isSent = false;
  if (run.stdin) channel.write(run.stdin, () => (isSent = true));
  channel.end();
  await Promise.all([closed, ...streams]);
  // The official plugin fails where the command has ended well, too, without taking all of a large input.
  return failure ?? (run.stdin && !isSent ? "EOF" : undefined);
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
