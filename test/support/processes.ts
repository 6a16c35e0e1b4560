/** Processes of tests: their ends, and waiting for what they do. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function finished(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export function ok(outcome: Outcome): Outcome {
  if (outcome.code !== 0) throw new Error(`exit code ${outcome.code}: ${outcome.stderr}${outcome.stdout}`);
  return outcome;
}

export async function eventually<T>(
  what: string,
  seconds: number,
  look: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((next) => setTimeout(next, 200))) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export const childrenOf = (pid: number): number[] =>
  (readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").match(/\d+/g) ?? []).map(Number);
