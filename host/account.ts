/** The account that gateways run as. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { asIdentity } from "./fences";
import { lstat, entries } from "../inspect/files";
import { ACCOUNT_HOME, STATE_OWNER_FILE, SYSTEM_PATH } from "../model/hostLayout";
import { ownersOfProcesses } from "../inspect/processes";
import { Failure, messageOf } from "../model/failure";
import { fullDisk } from "./systemError";
import { ACCOUNT_COMMENT, accountConflict, accounts, lookUp, type Identity } from "../inspect/accounts";

/** The user id that owns data moved here from another machine, below a root: no account here has that id. */
function numberOfMovedData(root: string): number | undefined {
  const numbers = entries(root)
    .map((name) => join(root, name))
    .filter((path) => lstat(join(path, STATE_OWNER_FILE)))
    .map((path) => lstat(path)!.uid);
  return numbers.find((uid) => accounts().every((each) => each.uid !== uid));
}

/**
 * Creates the system account if it does not exist. If data was moved here, the account gets its owner's id. It has
 * no password and no login shell.
 */
export function ensureAccount(account: string, root: string): void {
  if (lookUp(account)) {
    const obstacle = accountConflict(account);
    if (obstacle !== undefined)
      throw new Failure(`${obstacle}`, "set the argument `account` of LocalHost to another name");
    return;
  }
  const uid = numberOfMovedData(root);
  try {
    execFileSync(
      "useradd",
      [
        ...["--system", "--user-group", "--no-create-home", "--home-dir", ACCOUNT_HOME],
        ...["--shell", "/usr/sbin/nologin", "--comment", ACCOUNT_COMMENT],
        ...(uid === undefined ? [] : ["--uid", String(uid)]),
        account,
      ],
      { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", env: { PATH: SYSTEM_PATH } },
    );
  } catch (error) {
    if (lookUp(account)) return; // another deployment created it at the same moment
    throw new Failure(
      `cannot create the system account ${account}: ${messageOf(error)}`,
      `create it: useradd --system --user-group --shell /usr/sbin/nologin --comment ${ACCOUNT_COMMENT} ${account}`,
    );
  }
}

/** User ids that no account keeps for long. Source: systemd's UIDS-GIDS. */
const TRANSIENT = { first: 61_184, count: 4_336 };

/** A user id without a name that nothing else uses at this moment: for one-off processes. `groups`: further ones. */
export function nobodyElse(groups: readonly number[]): Identity {
  const taken = new Set([...accounts().map(({ uid }) => uid), ...ownersOfProcesses()]);
  for (let n = process.pid; ; n++) {
    const uid = TRANSIENT.first + (n % TRANSIENT.count);
    if (!taken.has(uid)) return { name: "", uid, gid: uid, demote: true, groups };
  }
}

/** Switches this process to the account for good. */
export function becomeAccount(identity: Identity): void {
  if (!identity.demote) return;
  // Not in Node's type declarations.
  (process as unknown as { initgroups(user: string, group: number): void }).initgroups(identity.name, identity.gid);
  process.setgid!(identity.gid);
  process.setuid!(identity.uid);
}

const SCRIPT_TIMEOUT_MS = 30_000;

/**
 * Runs a shell script as the account. Where its agent can write, a link could lead root anywhere, but the account only to
 * where it may go itself. `$1` … are the arguments.
 */
export function asAccount(identity: Identity, script: string, ...args: string[]): void {
  const shell = ["-c", `set -e; umask 077; ${script}`, "sh", ...args];
  const { file, args: words, ...who } = asIdentity(identity, "/bin/sh", shell);
  const { status, stderr, error } = spawnSync(file, words, {
    env: { PATH: SYSTEM_PATH, LC_ALL: "C" },
    cwd: "/",
    encoding: "utf8",
    timeout: SCRIPT_TIMEOUT_MS,
    ...who,
  });
  if (status === 0) return;
  if (/No space left|quota exceeded/.test(stderr)) throw fullDisk(args[0]!);
  throw new Failure(
    `${args[0]} cannot be changed: ${(error?.message ?? stderr).trim()}`,
    "let the gateway's account write there, and run `pulumi up` again",
  );
}
