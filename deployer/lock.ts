/** One process at a time, on this machine. A lock of a process that is gone is nobody's. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 200;

/** `onWait` is called once where another process has it, with its id. */
export async function withLock<T>(
  path: string,
  onWait: (holder: number) => void,
  action: () => Promise<T>,
): Promise<T> {
  for (let told = false, holder; (holder = take(path)) !== undefined; told = true) {
    if (!told) onWait(holder);
    await sleep(POLL_MS);
  }
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Nothing where it was taken, else who has it. */
function take(path: string): number | undefined {
  const own = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    // Its name appears with its content: a full disk leaves no lock that says nothing.
    writeFileSync(own, String(process.pid));
    linkSync(own, path);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(own, { force: true });
  }
  const holder = holderOf(path);
  if (holder !== undefined) return holder;
  rmSync(path, { force: true });
  return take(path);
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    if (!Number.isInteger(pid) || pid <= 0) return undefined; // of an older version, on a full disk
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined; // it is given back
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
