/** A host over one SSH connection: shell commands, and bytes into a file. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import type { Connection } from "../model/connection";
import { dial } from "./dial";
import { Failure, messageOf } from "../model/failure";
import { quote } from "../model/hostLayout";
import { plain } from "../model/plain";

const DIAL_SECONDS = 120;
/** How long a connection may be silent: nothing is sent, nothing is answered. */
const SILENCE_SECONDS = 30;
const COMMAND_SECONDS = 300;
export const CHUNK_BYTES = 65_536;
/** How much a command may print in total: ours print a few words. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

interface Started {
  readonly channel: ClientChannel;
  /** Listened for from the very start: a quick command may end at the moment its start is reported. */
  readonly result: Promise<string>;
}

export class RemoteHost {
  private constructor(
    private readonly client: Client,
    private readonly name: string,
    private readonly sudo: boolean,
  ) {
    client.on("error", () => undefined); // the end of the channel tells whoever is waiting
  }

  static async open(connection: Connection, sudo: boolean, say: (line: string) => void): Promise<RemoteHost> {
    const signal = AbortSignal.timeout(DIAL_SECONDS * 1000);
    const step = { signal, log: (line: string): Promise<void> => Promise.resolve(say(line)) };
    try {
      return new RemoteHost(await dial(connection, step), connection.host, sudo);
    } catch (error) {
      throw new Failure(
        `cannot reach ${connection.host}: ${messageOf(error)}`,
        "check the arguments of SshHost: ssh -p PORT USER@HOST",
      );
    }
  }

  close(): void {
    this.client.end();
  }

  /** What a script prints. It gets the arguments as $1, $2 …; they hold no secret. */
  run(script: string, ...args: readonly string[]): Promise<string> {
    return this.finish(COMMAND_SECONDS, this.start(script, args));
  }

  /** The same for one that may take longer, and reports its progress on stderr. */
  follow(seconds: number, script: string, ...args: readonly string[]): Promise<string> {
    const started = this.start(script, args);
    const show = (chunk: Buffer): void => void process.stderr.write(plain(chunk.toString()));
    void started.then(({ channel }) => channel.stderr.on("data", show)).catch(() => undefined);
    return this.finish(seconds, started);
  }

  private async finish(seconds: number, started: Promise<Started>): Promise<string> {
    const { channel, result } = await started;
    channel.end();
    const timer = this.giveUpAfter(seconds);
    try {
      return await Promise.race([result, timer.failed]);
    } finally {
      timer.stop();
    }
  }

  /**
   * Writes a file's bytes from an offset to the same offset of a remote file. An earlier sender that the host has not
   * given up on yet writes the same bytes to the same offsets.
   */
  async write(file: string, from: number, remote: string, onProgress: (sent: number) => void): Promise<void> {
    if (from % CHUNK_BYTES) throw new Error("not the start of a block");
    const script = 'exec dd of="$1" bs="$2" seek="$3" conv=notrunc 2>/dev/null';
    const { channel, result } = await this.start(script, [remote, `${CHUNK_BYTES}`, `${from / CHUNK_BYTES}`]);
    let sent = 0;
    const timer = this.giveUpAfter(SILENCE_SECONDS);
    const count = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        sent += chunk.length;
        timer.restart();
        onProgress(sent);
        next(null, chunk);
      },
    });
    try {
      await Promise.race([
        Promise.all([
          pipeline(createReadStream(file, { start: from, highWaterMark: CHUNK_BYTES }), count, channel),
          result,
        ]),
        timer.failed,
      ]);
    } catch (error) {
      // The host's own words say more than the end of the pipe.
      throw error instanceof Failure
        ? error
        : await result.then(
            () => error,
            (reason: unknown) => reason,
          );
    } finally {
      timer.stop();
    }
  }

  private start(script: string, args: readonly string[]): Promise<Started> {
    const words = ["sh", "-c", script, "sh", ...args].map(quote).join(" ");
    const timer = this.giveUpAfter(SILENCE_SECONDS);
    const started = new Promise<Started>((resolve, reject) =>
      this.client.exec(this.sudo ? `sudo -n ${words}` : words, (error, channel) =>
        error
          ? reject(new Failure(`${this.name} refused a command: ${error.message}`))
          : resolve({ channel, result: resultOf(channel) }),
      ),
    );
    return Promise.race([started, timer.failed]).finally(() => timer.stop());
  }

  /** Closes the connection when it has been silent for that long. */
  private giveUpAfter(seconds: number) {
    let fail: (error: Failure) => void;
    const failed = new Promise<never>((_resolve, reject) => (fail = reject));
    failed.catch(() => undefined); // it is also thrown to whoever waits
    const timer = setTimeout(() => {
      fail(
        new Failure(
          `${this.name} has been silent for ${seconds} s`,
          "run `pulumi up` again: it continues where it stopped",
        ),
      );
      this.client.destroy();
    }, seconds * 1000);
    return { failed, restart: () => void timer.refresh(), stop: () => clearTimeout(timer) };
  }
}

function resultOf(channel: ClientChannel): Promise<string> {
  let stdout = "";
  let stderr = "";
  let code: number | null = null;
  let size = 0;
  channel.on("exit", (status: number | null) => (code = status));
  channel.on("error", () => undefined); // its end follows
  const result = new Promise<string>((resolve, reject) => {
    const isTooMuch = (chunk: Buffer): boolean => {
      if ((size += chunk.length) <= MAX_OUTPUT_BYTES) return false;
      channel.destroy();
      reject(new Failure("the host's answer does not end", "check what runs there: it is not what was installed"));
      return true;
    };
    channel.on("data", (chunk: Buffer) => isTooMuch(chunk) || (stdout += chunk.toString()));
    channel.stderr.on("data", (chunk: Buffer) => isTooMuch(chunk) || (stderr += chunk.toString()));
    channel.on("close", () =>
      code === 0
        ? resolve(stdout)
        : reject(
            code === null
              ? new Failure("the connection was lost", "run `pulumi up` again: it continues where it stopped")
              : new Failure(
                  `a command on the host failed (${code}): ${stderr.trim()}`,
                  "free up space on its disk, and make sure that the user can write there",
                ),
          ),
    );
  });
  result.catch(() => undefined); // it is also thrown to whoever waits
  return result;
}
