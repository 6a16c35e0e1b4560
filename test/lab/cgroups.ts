/** Control groups: every process that the lab starts for a host is in the host's group, in all hierarchies. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pause } from "./commands";
import { LAB } from "./names";

const ROOT = "/sys/fs/cgroup";
/** The version 2 hierarchy, beside those of version 1 here: the one that can kill and freeze. */
const UNIFIED = join(ROOT, "unified");

/**
 * What all of a tree's processes get of the processors, against 1024 of each process outside. Without it they count as one process
 * together: beside other tests a gateway took minutes to start.
 */
const SHARES = 8 * 1024;

const hierarchies = (): string[] => readdirSync(ROOT).map((name) => join(ROOT, name));

export function whyNoCgroups(): string | undefined {
  if (["unified", "memory", "cpu"].every((name) => existsSync(join(ROOT, name, "cgroup.procs")))) return undefined;
  return `the lab needs cgroup version 1 controllers below ${ROOT} and version 2 in ${UNIFIED}`;
}

/** The groups below one of this name, in all hierarchies. */
export function groupsBelow(tree: string) {
  const group = (name: string): string => join(UNIFIED, tree, name);

  function makeGroup(name: string): void {
    for (const hierarchy of hierarchies())
      for (const directory of [join(hierarchy, tree), join(hierarchy, tree, name)]) {
        mkdirSync(directory, { recursive: true });
        for (const file of ["cpuset.cpus", "cpuset.mems"])
          // empty in a new group, which then takes no process
          if (existsSync(join(directory, file)))
            writeFileSync(join(directory, file), readFileSync(join(dirname(directory), file)));
      }
    writeFileSync(join(ROOT, "cpu", tree, "cpu.shares"), String(SHARES));
  }

  /** A command line that runs another one in a group. */
  function inGroup(name: string, ...line: readonly string[]): [string, ...string[]] {
    const enter = `for group in ${ROOT}/*/${tree}/${name}; do echo 0 >"$group/cgroup.procs"; done; exec "$@"`;
    return ["sh", "-c", enter, "sh", ...line];
  }

  /** Ends all processes of a group, of the whole tree where none is named, and waits until they are gone. */
  async function killGroup(name = ""): Promise<void> {
    if (!existsSync(group(name))) return;
    writeFileSync(join(group(name), "cgroup.kill"), "1");
    for (let tries = 0; isPopulated(name); tries++) {
      if (tries === 200) throw new Error(`processes of ${group(name)} outlive SIGKILL by 10 s`);
      await pause(50);
    }
  }

  const isPopulated = (name: string): boolean =>
    existsSync(group(name)) && readFileSync(join(group(name), "cgroup.events"), "utf8").includes("populated 1");

  /** Stops, or lets go on, all processes of a group where they are. */
  async function freezeGroup(name: string, frozen: boolean): Promise<void> {
    writeFileSync(join(group(name), "cgroup.freeze"), frozen ? "1" : "0");
    while (!readFileSync(join(group(name), "cgroup.events"), "utf8").includes(`frozen ${frozen ? 1 : 0}`))
      await pause(10);
  }

  /** Removes an empty group with all below it. */
  async function removeGroup(name = ""): Promise<void> {
    for (const hierarchy of hierarchies()) {
      for (let tries = 0; ; tries++) {
        try {
          removeTree(join(hierarchy, tree, name));
          break;
        } catch (error) {
          if (tries === 100) throw error; // a process that has ended is busy for a moment
          await pause(50);
        }
      }
    }
  }

  return { makeGroup, inGroup, killGroup, isPopulated, freezeGroup, removeGroup };
}

export const { makeGroup, inGroup, killGroup, isPopulated, freezeGroup, removeGroup } = groupsBelow(LAB);

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  rmdirSync(directory);
}
