/** Whom root trusts: whoever may write above a program of ours, or put a link on the way to it, could have root run theirs. */
import { join } from "node:path/posix";
import { lstat, readLink } from "./files";

/** As many as the kernel follows. Source: path_resolution(7). */
const MOST_LINKS = 40;
const STICKY = 0o1000;

/** What on the way to a path can be changed by others than root, links followed. */
export function unsafeOnWayTo(path: string): string[] {
  const unsafe = new Set<string>();
  let at = "/";
  let links = 0;
  for (const rest = ["/", ...path.split("/")]; rest.length && links <= MOST_LINKS;) {
    const next = join(at, rest.shift()!);
    const stats = lstat(next);
    if (!stats) break;
    // What others have in a sticky directory they can replace as well: it is looked at by itself.
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
