/** Runs a child process to its end. No shell, a complete environment, bounded output. */
import { spawn } from "node:child_process";

const MAX_OUTPUT = 1024 * 1024;

export interface RunOptions {
  readonly env: Record<string, string>;
  readonly cwd?: string;
  readonly timeoutMs: number;
  readonly uid?: number;
  readonly gid?: number;
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
  const { timeoutMs, onLine, ...how } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...how,
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
        if (!onLine) return;
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) onLine(line);
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

/** Sends a signal; a process that is already gone is not an error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
