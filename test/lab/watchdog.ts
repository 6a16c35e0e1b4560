/** Outlives the process that has the lab, and removes what that leaves when it is killed. Its input ends with that process. */
import { spawn, type ChildProcess } from "node:child_process";
import { LabIsTaken, releaseLock, takeLock } from "./lock";

/** `sweeper`: the module whose `sweep` removes everything. */
export function startWatchdog(lock: string, sweeper: string): ChildProcess {
  const line = ["-r", "ts-node/register/transpile-only", __filename, lock, sweeper];
  const watchdog = spawn(process.execPath, line, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.unref();
  return watchdog;
}

async function clean(name: string, sweep: () => Promise<void>): Promise<void> {
  try {
    const lock = await takeLock(name);
    await sweep();
    await releaseLock(lock);
  } catch (error) {
    if (!(error instanceof LabIsTaken)) throw error; // by the next one, which has swept
  }
}

if (require.main === module) {
  const [name = "", sweeper = ""] = process.argv.slice(2);
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { sweep } = require(sweeper) as { sweep: () => Promise<void> };
  process.stdin.resume().on("end", () => void clean(name, sweep));
}
