/**
 * The host program: what the components run on a host. Knows nothing of Pulumi.
 *
 *   setup                      reads the host's layout on stdin, creates the account
 *   claim <id>                 reads a claim on stdin
 *   stage-secrets <id>         reads secrets on stdin, prints their nonce
 *   apply <id> <nonce>         reads a spec on stdin, follows the deployment to its end
 *   remove <id>                ends and removes a gateway; state directory and workspace stay
 *   leave                      removes everything of ours where no gateway is left
 *   cli <id> …                 OpenClaw's command line for a gateway
 *   work, supervise            processes that this program starts itself
 *
 * The verbs and arguments stand in the state of every deployed stack: they never change their meaning.
 */
import { readFileSync, rmdirSync } from "node:fs";
import { ensureAccount } from "./account";
import { stopGateway } from "./apply";
import { claimGateway, discard, releaseClaim } from "./claim";
import { runCommandLine } from "./commandLine";
import { Failure, messageOf } from "./failure";
import { entries, makeDir, removeTree, writeJson } from "./files";
import { findGateway, hostFile, lockPath, openGateway, openHost, ownManageDir, type Host } from "./host";
import { applyInBackground, work } from "./jobs";
import { gatewaysDir, isWithin, type HostLayout } from "./layout";
import { takeLock } from "./lock";
import { stageSecrets } from "./secrets";
import type { Claim, Secrets, Spec } from "./spec";
import { supervise } from "./supervisors/process";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const readInput = <T>(): T => JSON.parse(readFileSync(0, "utf8")) as T;

function setUp(manage: string): void {
  const layout = readInput<HostLayout>();
  if (layout.account !== null) ensureAccount(layout.account);
  makeDir(gatewaysDir(manage));
  writeJson(hostFile(manage), layout);
}

async function withLock<T>(host: Host, id: string, action: () => T | Promise<T>): Promise<T> {
  const lock = await takeLock(lockPath(host, id), () => say("waiting for another deployment of this gateway"));
  try {
    return await action();
  } finally {
    lock.release();
  }
}

async function remove(host: Host, id: string): Promise<void> {
  const gateway = findGateway(host, id);
  if (gateway) {
    say("stopping");
    await stopGateway(gateway);
    releaseClaim(gateway);
  } else {
    discard(host, id); // what an earlier removal that was torn has left
  }
}

function leave(host: Host): void {
  if (entries(gatewaysDir(host.manage)).length)
    return say("other gateways are left on this host: keeping what they share");
  removeTree(host.manage);
  try {
    // Ours where it lies in our root; another program's commands keep it.
    if (isWithin(host.layout.binDir, host.layout.root)) rmdirSync(host.layout.binDir);
  } catch {
    // not empty, or not there
  }
}

async function main(verb: string | undefined, args: readonly string[]): Promise<void> {
  const manage = ownManageDir();
  process.umask(0o022);
  if (verb === "setup") return setUp(manage);
  const host = openHost(manage);
  if (verb === "leave") return leave(host);
  const [id, ...rest] = args;
  if (id === undefined) throw new Failure(`usage: host ${verb ?? "<verb>"} <gateway>`);
  switch (verb) {
    case "claim":
      return withLock(host, id, () => void claimGateway(host, id, readInput<Claim>()));
    case "stage-secrets":
      return withLock(
        host,
        id,
        () => void process.stdout.write(`${stageSecrets(openGateway(host, id), readInput<Secrets>())}\n`),
      );
    case "apply":
      process.stdout.write(`${await applyInBackground(host, id, { spec: readInput<Spec>(), nonce: rest[0]! })}\n`);
      return;
    case "remove":
      return withLock(host, id, () => remove(host, id));
    case "work":
      return work(host, id, rest[0]!);
    case "supervise":
      return supervise(host, id);
    case "cli":
      return runCommandLine(host, id, rest);
    default:
      throw new Failure(`unknown verb ${verb}`);
  }
}

main(process.argv[2], process.argv.slice(3)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Failure ? error.message : ((error as Error).stack ?? messageOf(error))}\n`);
  process.exitCode = 1;
});
