/**
 * Which of the test workers that run side by side this is, from 1 on. Each has a lab, a Docker engine and ports of its own;
 * the processes that it starts belong to it too.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "./processes";

/** In the environment of what a worker starts, and not in that of all workers. */
const SLOT = "CLAW_TEST_SLOT";
const isWorker = process.env.VITEST_POOL_ID !== undefined;

/** Not Vitest's own number: that is given out twice where one group of files follows another. */
export const slot = Number(isWorker ? (process.env[SLOT] ??= String(take())) : (process.env[SLOT] ?? 1));

function take(): number {
  for (let n = 1; ; n++) if (hasTaken(join(tmpdir(), `claw-slot${n}`))) return n;
}

function hasTaken(file: string): boolean {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, file); // there at once with its content, or not at all
  } catch {
    if (isRunning(holderOf(file))) return false;
    rmSync(file, { force: true }); // its holder was killed
    return hasTaken(file);
  } finally {
    rmSync(mine, { force: true });
  }
  process.once("exit", () => rmSync(file, { force: true }));
  return true;
}

function holderOf(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0; // it was given back meanwhile
  }
}
