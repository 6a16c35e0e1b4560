/** Whom root trusts: whoever may write above a program of ours, or put a link on its path, could make root run theirs. */
import { join } from "node:path/posix";
import { lstat, readLink } from "./files";

/** As many as the kernel follows. Source: path_resolution(7). */
const MOST_LINKS = 40;
const STICKY = 0o1000;

/** The parts of a path that users other than root can change; links are followed. */
export function unsafeOnWayTo(path: string): string[] {
  const unsafe = new Set<string>();
  let at = "/";
  let links = 0;
  for (const rest = ["/", ...path.split("/")]; rest.length && links <= MOST_LINKS;) {
    const next = join(at, rest.shift()!);
    const stats = lstat(next);
    if (!stats) break;
    // Others can replace their own entries in a sticky directory as well: each entry is checked by itself.
    const isOpen = (stats.mode & 0o022) !== 0 && (stats.mode & STICKY) === 0;
    if (stats.uid !== 0 || (isOpen && !stats.isSymbolicLink())) unsafe.add(next);
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    links++;
    const target = readLink(next) ?? "";
    if (target.startsWith("/")) at = "/";
    rest.unshift(...target.split("/"));
  }
  return [...unsafe];
}
