/** OpenClaw's lifecycle locks: `/tmp/openclaw-state-locks-<uid>`, whatever TMPDIR says. Source: OpenClaw 2026.9.6, measured. */
import { lstat } from "./files";

const directoryFor = (uid: number): string => `/tmp/openclaw-state-locks-${uid}`;

/** The directory and its owner, if that is not the user: OpenClaw cannot start then. */
export function othersOpenclawLocks(uid: number): { readonly path: string; readonly uid: number } | undefined {
  const path = directoryFor(uid);
  const stats = lstat(path);
  return !stats || (stats.isDirectory() && stats.uid === uid) ? undefined : { path, uid: stats.uid };
}
