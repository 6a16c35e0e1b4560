/** Confines a process that runs others' code, where no service manager does it. */
import { spawnSync } from "node:child_process";
import { SYSTEM_PATH } from "../model/hostLayout";
import type { Identity } from "../inspect/accounts";

/** Part of util-linux, as in Debian, Ubuntu and Fedora. */
const SETPRIV = "/usr/bin/setpriv";

/** A program to start, and as whom. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * A command as a gateway's account. Where `setpriv` works, nothing that it starts gets more rights than the account has: no
 * program with a set-user-id bit, no capability.
 */
export function asIdentity(
  { name, uid, gid, demote, groups = [] }: Identity,
  file: string,
  args: readonly string[],
): Command {
  const become = demote
    ? [
        `--reuid=${uid}`,
        `--regid=${gid}`,
        name ? "--init-groups" : groups.length ? `--groups=${groups.join(",")}` : "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
      ]
    : [];
  const flags = [...become, "--no-new-privs", "--"];
  if (!works(SETPRIV, flags)) return { file, args, ...(demote && { uid, gid }) };
  return { file: SETPRIV, args: [...flags, file, ...args] };
}

const known = new Map<string, boolean>();

/** Root may be restricted itself, e.g. in a container, and not be allowed to use the tool. */
function works(tool: string, flags: readonly string[]): boolean {
  const key = [tool, ...flags].join(" ");
  const found = known.get(key) ?? spawnSync(tool, [...flags, "true"], { env: { PATH: SYSTEM_PATH } }).status === 0;
  known.set(key, found);
  return found;
}

const PRLIMIT = "/usr/bin/prlimit";
/** Limits of the account's processes and threads against fork bombs. One in main leaves room for a rescue. */
const MOST_PROCESSES = { main: 4096, others: 6144 };
/** What the kernel kills first when memory runs out: a gateway before anything else, main before a rescue. */
const OOM_SCORES = { main: 200, others: 100 };

export const mostProcesses = (id: string): number => MOST_PROCESSES[id === "main" ? "main" : "others"];
export const oomScore = (id: string): number => OOM_SCORES[id === "main" ? "main" : "others"];

/** The process of a gateway: as its account, without core files, which would hold its secrets. */
export function asGateway(id: string, identity: Identity, file: string, args: readonly string[]): Command {
  const command = asIdentity(identity, file, args);
  // The limit counts everything that the user runs, so it is only set for an account of the gateways' own.
  const flags = ["--core=0", ...(identity.demote ? [`--nproc=${mostProcesses(id)}`] : [])];
  if (!works(PRLIMIT, flags)) return command;
  const { file: inner, args: words, ...who } = command;
  return { file: PRLIMIT, args: [...flags, inner, ...words], ...who };
}
