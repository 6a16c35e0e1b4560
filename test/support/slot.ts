/**
 * Which of the test workers that run side by side this is, from 1 on. Each has a lab, a Docker engine and ports of its own;
 * the processes that it starts belong to it too.
 */
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In the environment of what a worker starts, and not in that of all workers. */
const SLOT = "CLAW_TEST_SLOT";
const isWorker = process.env.VITEST_POOL_ID !== undefined;

/** Not Vitest's own number: that is given out twice where one group of files follows another. */
export const slot = Number(isWorker ? (process.env[SLOT] ??= take()) : (process.env[SLOT] ?? 1));

/** The first whose file names no living process. One worker at a time: two would find the same dead one. */
function take(): string {
  const script = `n=1
    while kill -0 "$(cat "$0$n")"; do n=$((n + 1)); done
    echo "$1" >"$0$n"
    echo $n`;
  const files = join(tmpdir(), "claw-slot");
  const args = [`${files}s`, "sh", "-c", script, files, String(process.pid)];
  return execFileSync("flock", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}
