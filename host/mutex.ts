/**
 * Exclusive locks that the kernel releases when their holder dies, however it dies.
 * SQLite's file locks give that on every platform without a native module of our own.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { MUTEX_POLL_MS } from "./limits";
import { about } from "./systemError";

export interface Mutex {
  release(): void;
}

/** Takes the lock, or returns `undefined` where somebody else holds it. */
export function tryMutex(path: string): Mutex | undefined {
  // Whoever can open a lock file can hold the lock, so only we may.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) return undefined;
    throw about(path, error);
  }
}

/** Waits for the lock; `onWait` is called once if it is not free. */
export async function takeMutex(path: string, onWait: () => void): Promise<Mutex> {
  for (let waited = false; ; waited = true) {
    const lock = tryMutex(path);
    if (lock) return lock;
    if (!waited) onWait();
    await sleep(MUTEX_POLL_MS);
  }
}

export function isMutexTaken(path: string): boolean {
  const lock = tryMutex(path);
  lock?.release();
  return !lock;
}
