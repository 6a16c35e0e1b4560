/** Whom root trusts: whoever may write above a program of ours, or put a link on its path, could make root run theirs. */
import { spawnSync } from "node:child_process";
import type { Stats } from "node:fs";
import { join } from "node:path/posix";
import { SYSTEM_PATH } from "../model/hostLayout";
import type { Identity } from "./accounts";
import { lstat, readLink } from "./files";

/** As many as the kernel follows. Source: path_resolution(7). */
const MOST_LINKS = 40;
const STICKY = 0o1000;

interface Step {
  readonly at: string;
  readonly stats: Stats;
}

/** What is passed on the way to a path, as far as it exists; links are followed. */
function wayTo(path: string): Step[] {
  const way: Step[] = [];
  let at = "/";
  let links = 0;
  for (const rest = ["/", ...path.split("/")]; rest.length && links <= MOST_LINKS;) {
    const next = join(at, rest.shift()!);
    const stats = lstat(next);
    if (!stats) break;
    way.push({ at: next, stats });
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    links++;
    const target = readLink(next) ?? "";
    if (target.startsWith("/")) at = "/";
    rest.unshift(...target.split("/"));
  }
  return way;
}

const named = (steps: readonly Step[]): string[] => [...new Set(steps.map(({ at }) => at))];

/** The parts of a path that users other than root can change. */
export const unsafeOnWayTo = (path: string): string[] =>
  named(
    wayTo(path).filter(({ stats }) => {
      // Others can replace their own entries in a sticky directory as well: each entry is checked by itself.
      const isOpen = (stats.mode & 0o022) !== 0 && (stats.mode & STICKY) === 0;
      return stats.uid !== 0 || (isOpen && !stats.isSymbolicLink());
    }),
  );

/** The directories on the way to a path, and itself, that not everybody can enter. */
const closedSteps = (path: string): Step[] =>
  wayTo(path).filter(({ stats }) => stats.isDirectory() && (stats.mode & 0o001) === 0);

/** Those that an account cannot enter. `who`: undefined is any account. */
export const closedOnWayTo = (path: string, who?: Account): string[] =>
  named(closedSteps(path).filter(({ at }) => !(who && enters(who, at))));

type Account = Pick<Identity, "uid" | "gid">;

/** Tried by root as that account, whose groups and access lists count for a gateway, too. */
const enters = ({ uid, gid }: Account, directory: string): boolean =>
  spawnSync("setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--init-groups", "--", "test", "-x", directory], {
    env: { PATH: SYSTEM_PATH },
  }).status === 0;

/** Which of some groups it takes to get to a path, and what is closed to them all the same. */
export function groupsOnWayTo(path: string, groups: readonly number[]): { needed: number[]; closed: string[] } {
  const isOpen = ({ stats: { mode, gid } }: Step): boolean => (mode & 0o010) !== 0 && groups.includes(gid);
  const steps = closedSteps(path);
  return {
    needed: [...new Set(steps.filter(isOpen).map(({ stats }) => stats.gid))],
    closed: named(steps.filter((step) => !isOpen(step))),
  };
}
