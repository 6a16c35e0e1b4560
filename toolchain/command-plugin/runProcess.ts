/** Runs one command to its end. Never throws for what it does; how it failed is part of the result. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { endText, systemText } from "../../ssh/goText";
import { makePipes, releaseOpeners, type Pipe, type Pipes } from "./pipes";
import type { RpcError } from "./rpcError";

export interface Run {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
  /** Once aborted (with an RpcError), the shell itself is killed, not what it started. */
  readonly signal: AbortSignal;
  onOutput(from: "stdout" | "stderr", chunk: Buffer): void;
}

const SHELL = "/bin/sh";
const RELEASE_MS = 20;

/** Why it failed: a text, or the reason of the abort. Undefined where it ended with 0. */
export type Ending = string | RpcError | undefined;

export async function runProcess(run: Run): Promise<Ending> {
  if (run.signal.aborted) return run.signal.reason as RpcError;
  const pipes = makePipes();
  const readers = [reading(pipes.stdout, "stdout", run), reading(pipes.stderr, "stderr", run)];
  const failure = await runWith(pipes, run);
  // What the program left running and that still holds its output is waited for.
  await Promise.all(readers);
  return failure;
}

async function runWith(pipes: Pipes, run: Run): Promise<Ending> {
  const stdin = new Socket({ fd: pipes.stdin.writeEnd, readable: false });
  const written = new Promise((resolve) => stdin.once("close", resolve));
  stdin.on("error", () => undefined); // the program need not read it
  const releasing = setInterval(() => stdin.closed && releaseOpeners(pipes.stdin.readEnd), RELEASE_MS);
  try {
    const child = start(pipes, run);
    stdin.end(run.stdin);
    return await ending(child, run.signal);
  } catch (error) {
    return execFailure(error);
  } finally {
    clearInterval(releasing);
    closeSync(pipes.stdin.readEnd);
    stdin.end();
    // Either somebody whom the program left running reads it all, or there is no reader any more and writing fails.
    await written;
  }
}

function start(pipes: Pipes, { command, env, stdin }: Run): ChildProcess {
  try {
    return spawn(SHELL, ["-c", command], {
      env,
      stdio: [stdin ? pipes.stdin.readEnd : "ignore", pipes.stdout.writeEnd, pipes.stderr.writeEnd],
    });
  } finally {
    closeSync(pipes.stdout.writeEnd);
    closeSync(pipes.stderr.writeEnd);
  }
}

function ending(child: ChildProcess, signal: AbortSignal): Promise<Ending> {
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  return new Promise<Ending>((resolve) => {
    child.once("error", (error) => resolve(execFailure(error)));
    child.once("exit", (code, by) => {
      if (code !== 0) resolve(endText(code, by));
      else resolve(signal.aborted ? (signal.reason as RpcError) : undefined);
    });
  }).finally(() => signal.removeEventListener("abort", kill));
}

function reading(pipe: Pipe, from: "stdout" | "stderr", run: Run): Promise<void> {
  const socket = new Socket({ fd: pipe.readEnd, writable: false });
  socket.on("data", (chunk) => run.onOutput(from, chunk));
  return new Promise((resolve) => socket.on("error", () => undefined).once("close", () => resolve()));
}

const execFailure = (error: unknown): string => `fork/exec ${SHELL}: ${systemText(error as NodeJS.ErrnoException)}`;
