/**
 * Which of the test workers that run side by side this is, from 1 on. Each has a lab, a Docker engine and ports of its own;
 * the processes that it starts belong to it too.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "./processes";

/** In the environment of what a worker starts, and not in that of all workers. */
const SLOT = "CLAW_TEST_SLOT";
const isWorker = process.env.VITEST_POOL_ID !== undefined;

/** Not Vitest's own number: that is given out twice where one group of files follows another. */
export const slot = Number(isWorker ? (process.env[SLOT] ??= String(take())) : (process.env[SLOT] ?? 1));

function take(): number {
  for (let n = 1; ; n++) if (isTaken(join(tmpdir(), `claw-slot${n}`))) return n;
}

function isTaken(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch {
    if (isRunning(Number(readFileSync(file, "utf8")))) return false;
    rmSync(file, { force: true }); // its holder was killed
    return isTaken(file);
  }
  process.once("exit", () => rmSync(file, { force: true }));
  return true;
}
