/** Runs one program to its end. Never throws for what the program does; how it failed is part of the result. */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, closeSync, constants, statSync } from "node:fs";
import { Socket } from "node:net";
import { delimiter, join } from "node:path";
import { endText, quote, systemText } from "./goText";
import { makePipes, releaseOpeners, type Pipe, type Pipes } from "./pipes";
import type { RpcError } from "./rpcError";

export interface Run {
  readonly argv: readonly [string, ...string[]];
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Once aborted (with an RpcError), the program itself is killed, not what it started. */
  readonly signal: AbortSignal;
  onOutput(from: "stdout" | "stderr", chunk: Buffer): void;
}

const RELEASE_MS = 20;

/** Why it failed: a text, or the reason of the abort. Undefined where it ended with 0. */
export type Failure = string | RpcError | undefined;

export async function runProcess(run: Run): Promise<Failure> {
  const path = lookUp(run.argv[0]);
  if (!path)
    return run.argv[0] ? `exec: ${quote(run.argv[0])}: executable file not found in $PATH` : "exec: no command";
  if (run.signal.aborted) return run.signal.reason as RpcError;
  const refused = refuse(run, path);
  if (refused) return refused;

  const pipes = makePipes();
  const readers = [reading(pipes.stdout, "stdout", run), reading(pipes.stderr, "stderr", run)];
  const failure = await runWith(pipes, path, run);
  // What the program left running and that still holds its output is waited for.
  await Promise.all(readers);
  return failure;
}

async function runWith(pipes: Pipes, path: string, run: Run): Promise<Failure> {
  const stdin = new Socket({ fd: pipes.stdin.writeEnd, readable: false });
  const written = new Promise((resolve) => stdin.once("close", resolve));
  stdin.on("error", () => undefined); // the program need not read it
  const releasing = setInterval(() => stdin.closed && releaseOpeners(pipes.stdin.readEnd), RELEASE_MS);
  try {
    const child = start(pipes, path, run);
    stdin.end(run.stdin);
    return await ending(child, path, run.signal);
  } catch (error) {
    return execFailure(path, error);
  } finally {
    clearInterval(releasing);
    closeSync(pipes.stdin.readEnd);
    stdin.end();
    // Either somebody whom the program left running reads it all, or there is no reader any more and writing fails.
    await written;
  }
}

function start(pipes: Pipes, path: string, run: Run): ChildProcess {
  const [name, ...args] = run.argv;
  const stdin = run.stdin ? pipes.stdin.readEnd : "ignore";
  try {
    return spawn(path, args, {
      argv0: name,
      cwd: run.dir,
      env: run.env,
      stdio: [stdin, pipes.stdout.writeEnd, pipes.stderr.writeEnd],
    });
  } finally {
    closeSync(pipes.stdout.writeEnd);
    closeSync(pipes.stderr.writeEnd);
  }
}

function ending(child: ChildProcess, path: string, signal: AbortSignal): Promise<Failure> {
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  return new Promise<Failure>((resolve) => {
    child.once("error", (error) => resolve(execFailure(path, error)));
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

/** The program as this process's own PATH has it, whatever PATH the program is given. */
function lookUp(name: string): string | undefined {
  if (!name || name.includes("/")) return name;
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.map((directory) => join(directory || ".", name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What Node would report less clearly or by throwing. */
function refuse(run: Run, path: string): string | undefined {
  if (Object.entries(run.env).flat().some(hasNul)) return "exec: environment variable contains NUL";
  if (hasNul(run.dir)) return `chdir ${run.dir}: invalid argument`;
  try {
    statSync(run.dir);
  } catch (error) {
    return `chdir ${run.dir}: ${systemText(error as NodeJS.ErrnoException)}`;
  }
  return run.argv.some(hasNul) ? `fork/exec ${path}: invalid argument` : undefined;
}

const hasNul = (text: string): boolean => text.includes("\0");
const execFailure = (path: string, error: unknown): string =>
  `fork/exec ${path}: ${systemText(error as NodeJS.ErrnoException)}`;
