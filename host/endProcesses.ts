/** Ending processes. */
import { setTimeout as sleep } from "node:timers/promises";
import { carrying, isAlive, processesOf, stat, type ProcessIdentity } from "../inspect/processes";
import { signal } from "../inspect/run";
import { PROCESS_POLL_MS } from "./limits";

/** Kills every process of a user. */
export const endOf = (uid: number): Promise<void> => killAll(() => processesOf(uid));

/** Until none is found any more: one may start another meanwhile. */
export async function killAll(find: () => ProcessIdentity[]): Promise<void> {
  for (let left = find(); left.length; left = find()) {
    for (const { pid } of left) signal(pid, "SIGKILL");
    await sleep(PROCESS_POLL_MS);
  }
}

/** Waits until the process is gone; false where it is still there after `timeoutMs`. */
export async function waitForEnd(
  identity: ProcessIdentity,
  timeoutMs: number,
  isVain: () => boolean = () => false,
): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; Date.now() < end && !isVain(); await sleep(PROCESS_POLL_MS))
    if (!isAlive(identity)) return true;
  return !isAlive(identity);
}

/**
 * Ends every process that carries a variable: SIGTERM to those that were not started by another of them, then, when
 * these are gone or the time is up, SIGKILL to what is left.
 */
export async function endCarrying(variable: string, uid: number, timeoutMs: number): Promise<void> {
  const all = carrying(variable, uid);
  const pids = new Set(all.map(({ pid }) => pid));
  const tops = all.filter(({ pid }) => !pids.has(stat(pid)?.parent ?? 0));
  if (timeoutMs > 0) {
    for (const { pid } of tops) signal(pid, "SIGTERM");
    await Promise.all(tops.map((top) => waitForEnd(top, timeoutMs)));
  }
  await killAll(() => carrying(variable, uid));
}
