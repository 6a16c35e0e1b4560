/** The accounts of this machine. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { Failure, SET_UP_AGAIN } from "../model/failure";

/** Written into the account's comment field: this account is ours to use. */
export const ACCOUNT_COMMENT = "pulumi-openclaw";

export interface Identity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Whether this process must switch to the account before it runs anything for a gateway. */
  readonly demote: boolean;
  /** Further groups of one without a name. */
  readonly groups?: readonly number[];
}
interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
}
const accountsIn = (passwd: string): PasswdEntry[] =>
  passwd
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", , uid, gid, comment = "", home = ""] = line.split(":");
      return { name, uid: Number(uid), gid: Number(gid), comment, home };
    });
export const accounts = (): PasswdEntry[] => accountsIn(readFileSync("/etc/passwd", "utf8"));
export const lookUp = (name: string): PasswdEntry | undefined => accounts().find((each) => each.name === name);

/** `undefined`: there is no such user. */
export const homeOfUser = (name: string): string | undefined => lookUp(name)?.home;

/** The identity that gateways run as: the named account, or this user if there is none. */
export function accountIdentity(account: string | null): Identity {
  if (account === null) {
    const user = userInfo();
    return { name: user.username, uid: user.uid, gid: user.gid, demote: false };
  }
  const entry = lookUp(account);
  if (!entry) throw new Failure(`the account ${account} does not exist`, `${SET_UP_AGAIN}`);
  return { name: account, uid: entry.uid, gid: entry.gid, demote: process.getuid!() === 0 && entry.uid !== 0 };
}

/** Every group of an account. */
export const groupIdsOf = (name: string): number[] =>
  (spawnSync("id", ["-G", name], { encoding: "utf8" }).stdout ?? "").split(/\s+/).filter(Boolean).map(Number);

/** The user id that gateways run as; `undefined` if their account does not exist yet. */
export const uidOf = (account: string | null): number | undefined =>
  account === null ? process.getuid!() : lookUp(account)?.uid;

/** Names of the groups of an account, or of this user; none where it does not exist yet. */
export function groupsOf(account: string | null): string[] {
  const { stdout } = spawnSync("id", ["-nG", ...(account === null ? [] : [account])], { encoding: "utf8" });
  return (stdout ?? "").split(/\s+/).filter((name) => name !== "");
}

/** An account's line of /etc/passwd; empty: there is none. */
export const passwdLine = (account: string): string =>
  readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${account}:`)) ?? "";

/** Why an account cannot be used, or `undefined`. `line`: its line of the machine's /etc/passwd. */
export function accountConflict(account: string, line: string = passwdLine(account)): string | undefined {
  const entry = accountsIn(line).find(({ name }) => name === account);
  if (!entry || entry.comment === ACCOUNT_COMMENT) return undefined;
  return `the account ${account} exists and was not created by pulumi-openclaw`;
}
