/** What holds a process that runs others' code, where no service manager does. */
import { spawnSync } from "node:child_process";
import { SYSTEM_PATH } from "../model/hostLayout";
import type { Identity } from "../inspect/accounts";

/** Of util-linux, as Debian, Ubuntu and Fedora have it. */
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
export function asIdentity({ name, uid, gid, demote }: Identity, file: string, args: readonly string[]): Command {
  const become = demote
    ? [
        `--reuid=${uid}`,
        `--regid=${gid}`,
        name ? "--init-groups" : "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
      ]
    : [];
  const flags = [...become, "--no-new-privs", "--"];
  if (!works(SETPRIV, flags)) return { file, args, ...(demote && { uid, gid }) };
  return { file: SETPRIV, args: [...flags, file, ...args] };
}

const known = new Map<string, boolean>();

/** A root that is itself fenced in, e.g. in a container, may not be allowed to. */
function works(tool: string, flags: readonly string[]): boolean {
  const key = [tool, ...flags].join(" ");
  const found = known.get(key) ?? spawnSync(tool, [...flags, "true"], { env: { PATH: SYSTEM_PATH } }).status === 0;
  known.set(key, found);
  return found;
}

const PRLIMIT = "/usr/bin/prlimit";
/** Processes and threads of the account: no fork bomb takes the whole machine. One of main's leaves room for a rescue. */
const MOST_PROCESSES = { main: 4096, others: 6144 };
/** Whom the kernel ends first where memory runs out: a gateway before the machine, main before a rescue. */
const OOM_SCORES = { main: 200, others: 100 };

export const mostProcesses = (id: string): number => MOST_PROCESSES[id === "main" ? "main" : "others"];
export const oomScore = (id: string): number => OOM_SCORES[id === "main" ? "main" : "others"];

/** The process of a gateway: as its account, without core files, which would hold its secrets. */
export function asGateway(id: string, identity: Identity, file: string, args: readonly string[]): Command {
  const command = asIdentity(identity, file, args);
  // A user's own limit would count what else that user runs.
  const flags = ["--core=0", ...(identity.demote ? [`--nproc=${mostProcesses(id)}`] : [])];
  if (!works(PRLIMIT, flags)) return command;
  const { file: inner, args: words, ...who } = command;
  return { file: PRLIMIT, args: [...flags, inner, ...words], ...who };
}
