/**
 * Puts a restored state in the place of the one that is there, which is kept aside. By renaming what is in the directory, since
 * that itself may be a mount. Interrupted anywhere, it goes on where it was.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { entries, lstat } from "../../inspect/files";
import { WORK_DIR } from "../../model/hostLayout";
import { isLeftOut } from "./contents";
import { FAILED, RESTORED, UNPACKING } from "./format";

/** Begins anew: what lies aside from an earlier time is removed. Returns where the restored state is to be unpacked. */
export function beginRestore(stateDir: string): string {
  const work = join(stateDir, WORK_DIR);
  for (const name of [UNPACKING, RESTORED]) rmSync(join(work, name), { recursive: true, force: true });
  mkdirSync(join(work, UNPACKING), { recursive: true, mode: 0o700 });
  return join(work, UNPACKING);
}

/** It is whole: from now on only `exchange` may follow. */
export function completeRestore(stateDir: string): void {
  const work = join(stateDir, WORK_DIR);
  rmSync(join(work, FAILED), { recursive: true, force: true });
  mkdirSync(join(work, FAILED), { mode: 0o700 });
  renameSync(join(work, UNPACKING), join(work, RESTORED));
}

export function exchange(stateDir: string): void {
  const work = join(stateDir, WORK_DIR);
  const restored = join(work, RESTORED);
  const failed = join(work, FAILED);
  if (!lstat(restored)) return rmSync(join(failed, DONE), { recursive: true, force: true });
  // First everything out of the way, then everything in: a name that is in both places is one that is still to go.
  if (!entries(failed).includes(DONE)) {
    moveOut(stateDir, failed, isLeftOut);
    mkdirSync(join(failed, DONE));
  }
  moveIn(restored, stateDir);
  rmSync(restored, { recursive: true, force: true });
  rmSync(join(failed, DONE), { recursive: true, force: true });
}

/** What cannot be moved, since it is somebody else's or a mount, stays, and as much as possible of what is in it moves. */
function moveOut(from: string, to: string, isKept: (name: string) => boolean = () => false): void {
  for (const name of entries(from).filter((each) => !isKept(each))) {
    const [path, target] = [join(from, name), join(to, name)];
    if (isMoved(path, target) || !lstat(path)?.isDirectory()) continue;
    mkdirSync(target, { recursive: true, mode: 0o700 });
    moveOut(path, target);
  }
}

/** What could not be moved out of the way is as it was: OpenClaw cannot write there either. */
function moveIn(from: string, to: string): void {
  for (const name of entries(from)) {
    const [path, target] = [join(from, name), join(to, name)];
    if (!isMoved(path, target) && lstat(path)?.isDirectory() && lstat(target)?.isDirectory()) moveIn(path, target);
  }
}

const IMMOVABLE = ["EACCES", "EPERM", "EBUSY", "EXDEV", "EEXIST", "ENOTEMPTY", "ENOTDIR", "EISDIR"];

function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (IMMOVABLE.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** Everything has been moved out of the way. */
const DONE = ".moved";
