/** Runs other programs: quietly, or in the foreground with the terminal and signals passed on. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

export interface Finished {
  /** Exit code; a program that could not be started or was killed has none. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** Standard error, or why the program could not be started or was killed. */
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutSeconds?: number;
}

/** Runs a program to its end and collects what it prints. Never throws. Ends with this process. */
export function runToEnd(command: string, args: readonly string[], options: ProcessOptions): Promise<Finished> {
  return new Promise((resolve) => {
    const { env, cwd, timeoutSeconds } = options;
    const child = spawn(command, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));

    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    const limit =
      timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => {
            stderr += `\nkilled after ${timeoutSeconds} s without a result`;
            end();
          }, timeoutSeconds * 1000);
    const finish = (code: number | null, reason = ""): void => {
      clearTimeout(limit);
      process.removeListener("exit", end);
      resolve({ code: code ?? undefined, stdout: stdout.trim(), stderr: `${stderr}${reason}`.trim() });
    };
    child.once("error", (error) => finish(null, error.message));
    child.once("close", (code) => finish(code));
  });
}

/** Make passes SIGTERM on to its recipes: whoever signals the whole group sends it to us twice, at the same moment. */
const SAME_SIGNAL_MS = 500;

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";
let passOn: ((signal: Signal) => void) | undefined;

/** Pulumi says "signal: killed" of each command that it was running. */
export const AFTER_INTERRUPTION =
  "Interrupted. A gateway on a host whose change had not finished runs as it did before; one in a container may have its new " +
  "configuration already. `make check` shows how they are, and the next `make up` does the rest.";

export const AFTER_INTERRUPTED_DOWN =
  "Interrupted. A gateway whose removal had not begun runs as before; one whose removal had may be stopped already. Their data is " +
  "kept. The next `make down` does the rest; `make up` brings all of them back.";

let interrupted = false;
/** Whether somebody has asked for an early end. */
export const wasInterrupted = (): boolean => interrupted;

/** Passes signals on to the program in the foreground; if there is none, exits (after the exit handlers). */
export function handleSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      interrupted = true;
      if (passOn) passOn(signal);
      else process.exit(exitCodeOf(signal));
    });
}

const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

export const onTerminal = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/**
 * Runs a program with this process's terminal, waits for it whatever signal comes, and returns its exit code.
 *
 * Pulumi takes a first ^C as "cancel" and a second one as "stop at once", so each signal must reach it exactly once.
 * On a terminal it is in the terminal's foreground group (it could not ask questions otherwise), which gets ^C and the
 * hang-up from the terminal itself. Elsewhere it gets a session of its own, so that whoever signals the whole group,
 * as CI runners do, reaches it through us alone.
 */
export function runInForeground(command: string, args: readonly string[], options: ProcessOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const terminal = onTerminal();
    const child = spawn(command, args, { env: options.env, cwd: options.cwd, stdio: "inherit", detached: !terminal });
    let last = -Infinity;
    passOn = (signal) => {
      if (terminal && signal !== "SIGTERM") return;
      const again = Date.now() - last < SAME_SIGNAL_MS;
      last = Date.now();
      if (!again) child.kill(signal === "SIGHUP" ? "SIGTERM" : signal); // a hang-up would kill it uncleanly
    };
    const finish = (): void => void (passOn = undefined);
    child.once("error", (error) => {
      finish();
      reject(error);
    });
    child.once("close", (code, signal) => {
      finish();
      resolve(signal ? exitCodeOf(signal) : (code ?? 1));
    });
  });
}
