/** The directories of a host that follow from its arguments, and what may be wrong with its account. */
import { join } from "node:path/posix";
import { accountConflict } from "../../inspect/accounts";
import type { Parent } from "../../inspect/files";
import type { Linger } from "../../inspect/units";
import { closed, otherThanBefore } from "../../model/conflict";
import { ACCOUNT_HOME, DEFAULT_ACCOUNT, manageDir, type HostLayout } from "../../model/hostLayout";
import type { Problem } from "../rules/problems";
import type { CheckedHostArgs } from "./hostArguments";
import { defined } from "../../model/defined";

/** The host has an account of that name that is not ours to use. */
const accountProblem = (host: string, reason: string): Problem => ({
  path: `${host}.account`,
  reason,
  advice: "use another account name: the account will be created",
});

/** What was found on a host, whatever channel it was looked at through. */
export interface HostFacts {
  /** The user that deploys there, and its home. */
  readonly user: string;
  readonly home: string;
  readonly systemd: boolean;
  /** Why this user's services would stop; undefined: they would not, or there is no systemd. */
  readonly linger: Linger | undefined;
  readonly root: Parent;
  readonly binDir: Parent;
  /** Directories on the way to our own that not every account can enter. */
  readonly closed: readonly string[];
  /** What the gateways that are there were set up with; undefined: there are none. */
  readonly former: Pick<HostLayout, "account" | "supervisor"> | undefined;
  /** Of the account's name in /etc/passwd. */
  readonly account: string | undefined;
}

/** What of a host's arguments does not fit what was found there. `where`: how messages call it. */
export function misfits(name: string, layout: HostLayout, facts: HostFacts, where: string): Problem[] {
  const account = layout.account === null ? undefined : accountConflict(layout.account, facts.account);
  const [closedPath] = facts.closed;
  const supervisor = wrongSupervisor(name, layout, facts, where);
  return [
    ...(account === undefined ? [] : [accountProblem(name, account)]),
    ...(supervisor.length ? supervisor : changed(name, layout, facts)),
    ...wrongDirectory(name, "root", facts, where),
    ...wrongDirectory(name, "binDir", facts, where),
    ...(closedPath === undefined
      ? []
      : [
          {
            path: `${name}.root`,
            ...closed(closedPath, `the account ${layout.account}, which gateways run as,`, !!facts.former),
          },
        ]),
  ];
}

/** Gateways keep the account and the supervisor that they were set up with. */
function changed(name: string, { root, account, supervisor }: HostLayout, { former }: HostFacts): Problem[] {
  if (!former) return [];
  const said = (each: string | null): string => each ?? "the user who deployed them";
  const before = former.supervisor ?? "process";
  const other = (property: string, was: string, now: string): Problem[] =>
    was === now ? [] : [{ path: `${name}.${property}`, ...otherThanBefore(manageDir(root), was, now) }];
  return [
    ...other("account", said(former.account), said(account)),
    ...other("supervisor", before, supervisor ?? before),
  ];
}

function wrongSupervisor(
  name: string,
  { supervisor, account }: HostLayout,
  { systemd, linger, former }: HostFacts,
  where: string,
): Problem[] {
  if (supervisor === "systemd" && !systemd)
    return [
      {
        path: `${name}.supervisor`,
        reason: `is systemd, which is not running ${where}`,
        advice: 'use "process", or remove this argument',
      },
    ];
  const isSystemd = (supervisor ?? former?.supervisor ?? "systemd") === "systemd";
  return isSystemd && account === null && linger ? [lingerProblem(name, linger)] : [];
}

function wrongDirectory(name: string, property: "root" | "binDir", facts: HostFacts, where: string): Problem[] {
  const { parent, state } = facts[property];
  const { user, home } = facts;
  if (state === "writable") return [];
  return [
    {
      path: `${name}.${property}`,
      reason: state === "file" ? `${parent} is not a directory` : `${user} cannot write to ${parent} ${where}`,
      advice: `set ${property} to a directory that ${user} can create, e.g. in ${home}`,
    },
  ];
}

/** The user's services would stop when the user's last session ends. */
const lingerProblem = (host: string, { reason, advice }: Linger): Problem => ({
  path: `${host}.supervisor`,
  reason,
  advice: `${advice}; or set supervisor: "process", whose gateways do not start again after a reboot`,
});

/** `home`: home of the deploying user, if that is not root. */
export function layoutOf(args: CheckedHostArgs, isRoot: boolean, home: string): HostLayout {
  const { root, binDir, account, supervisor, registry } = args;
  return Object.freeze(
    defined({
      root: root ?? (isRoot ? ACCOUNT_HOME : home),
      binDir: binDir ?? (root !== undefined ? join(root, "bin") : isRoot ? "/usr/local/bin" : join(home, ".local/bin")),
      account: isRoot ? (account ?? DEFAULT_ACCOUNT) : null,
      supervisor,
      registry,
    }),
  );
}
