/** Runs a child to its end. No shell, environment given whole, output bounded. */
import { spawn } from "node:child_process";
import type { Identity } from "./account";
import { asIdentity } from "./fences";
import { signal } from "../inspect/processes";

const MAX_OUTPUT = 1024 * 1024;

export interface RunOptions {
  readonly env: Record<string, string>;
  readonly cwd?: string;
  readonly timeoutMs: number;
  /** Run as this account. */
  readonly as?: Identity;
  /** Called with each line that the child prints. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { env, cwd, timeoutMs, as } = options;
  return new Promise((resolve, reject) => {
    const { file, args: words, ...who } = as ? asIdentity(as, command, args) : { file: command, args };
    const child = spawn(file, words, {
      env,
      ...(cwd !== undefined && { cwd }),
      ...who,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const output = { stdout: "", stderr: "" };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
      // A grandchild in a session of its own may hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    for (const stream of ["stdout", "stderr"] as const) {
      let rest = "";
      child[stream].setEncoding("utf8").on("data", (chunk: string) => {
        output[stream] = (output[stream] + chunk).slice(-MAX_OUTPUT);
        if (!options.onLine) return;
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) options.onLine(line);
      });
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut, ...output });
    });
  });
}
