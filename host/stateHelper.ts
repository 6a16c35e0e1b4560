/** Starts the part of this program that works in a gateway's state directory, as its account. */
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";
import { Failure } from "../model/failure";
import { SYSTEM_PATH } from "../model/hostLayout";
import { asIdentity } from "./fences";
import type { HostGateway } from "./host";

const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: "C.UTF-8", NODE_NO_WARNINGS: "1" };

/** What `host state` does; see state/helper.ts. */
export type StateAction =
  | "measure"
  | "pack"
  | "begin-restore"
  | "begin-rehearsal"
  | "unpack"
  | "complete-restore"
  | "exchange"
  | "rehearse"
  | "end-rehearsal";

interface HelperOptions {
  readonly stdio: StdioOptions;
  /** Variables besides its own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Cut off from all networks, where this host can do that. */
  readonly isOffline?: boolean;
}

/** A running helper; `ended` rejects with what it said if it fails. */
export function startStateHelper(
  { host, claim }: HostGateway,
  [action, ...args]: readonly [StateAction, ...string[]],
  { stdio, env, isOffline = false }: HelperOptions,
): { readonly child: ChildProcess; readonly ended: Promise<void> } {
  const words = [process.argv[1]!, "state", action, claim.stateDir, ...args];
  const { file, args: all, ...who } = asIdentity(host.identity, process.execPath, words);
  const way = isOffline && host.identity.demote && canCutOff() ? CUT_OFF : [];
  const [first, ...rest] = [...way, file, ...all];
  const child = spawn(first!, rest, { cwd: "/", env: { ...ENVIRONMENT, ...env }, ...who, stdio, detached: true });
  // It may have ended already; why, it says itself.
  child.stdin?.on("error", () => undefined);
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (said = (said + chunk).slice(-16_384)));
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Failure(said.trim() || `it ended with exit code ${code}`)),
    );
  });
  ended.catch(() => undefined); // reported where it is awaited
  return { child, ended };
}

interface Question extends Omit<HelperOptions, "stdio"> {
  /** A line for its stdin, which stays open until it ends. */
  readonly input?: string;
}

/** Does one thing, and returns its answer. */
export async function runStateHelper<T = undefined>(
  gateway: HostGateway,
  words: readonly [StateAction, ...string[]],
  { input, ...options }: Question = {},
): Promise<T> {
  const stdio: StdioOptions = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
  const { child, ended } = startStateHelper(gateway, words, { ...options, stdio });
  child.stdin?.write(`${input}\n`);
  let answer = "";
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  await ended;
  return (answer === "" ? undefined : JSON.parse(answer)) as T;
}

/** A network namespace of its own, in which only loopback is there. `unshare` is part of util-linux, `ip` of iproute2. */
const CUT_OFF = ["/usr/bin/unshare", "--net", "/bin/sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

let canBeCutOff: boolean | undefined;
/** Not in a container without these rights, and not without these programs. */
const canCutOff = (): boolean =>
  (canBeCutOff ??= spawnSync(CUT_OFF[0]!, [...CUT_OFF.slice(1), "true"], { env: ENVIRONMENT }).status === 0);
