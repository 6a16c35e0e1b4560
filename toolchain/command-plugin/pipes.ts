/**
 * Real pipes for a child process. Node's own are sockets, which on Linux a command cannot open again by name:
 * `>/dev/stderr` and `cat /dev/stdin` would fail.
 */
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

export interface Pipes {
  readonly stdin: Pipe;
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export function makePipes(): Pipes {
  const directory = mkdtempSync(join(tmpdir(), "pulumi-command-"));
  try {
    const [stdin, stdout, stderr] = ["0", "1", "2"].map((name) => join(directory, name)) as [string, string, string];
    execFileSync("mkfifo", [stdin, stdout, stderr]);
    return { stdin: openForInput(stdin), stdout: openForOutput(stdout), stderr: openForOutput(stderr) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** For what the child writes and we read: our end must not block. */
function openForOutput(path: string): Pipe {
  const readEnd = openSync(path, O_RDONLY | O_NONBLOCK);
  return { readEnd, writeEnd: openSync(path, O_WRONLY) };
}

/** For what the child reads: its end must block, and can be opened only once there is a writer, which needs a reader. */
function openForInput(path: string): Pipe {
  const first = openSync(path, O_RDONLY | O_NONBLOCK);
  const writeEnd = openSync(path, O_WRONLY | O_NONBLOCK);
  const readEnd = openSync(path, O_RDONLY);
  closeSync(first);
  return { readEnd, writeEnd };
}

/**
 * Opening /dev/stdin waits for a writer if, as here, the pipe once had a name. Where the writer has been and gone, this
 * is one for the blink of an eye: enough for who waits, and nothing to who reads.
 */
export function releaseOpeners(readEnd: number): void {
  try {
    closeSync(openSync(`/proc/self/fd/${readEnd}`, O_WRONLY | O_NONBLOCK));
  } catch {
    // Not Linux, where opening /dev/stdin does not wait.
  }
}
