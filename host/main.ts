/**
 * The host program: what the components run on a host. Knows nothing of Pulumi.
 *
 *   setup                      reads the host's layout on stdin, creates the account
 *   claim <id>                 reads a claim on stdin, prints its id
 *   stage-secrets <id> <claim> reads secrets on stdin, prints their nonce
 *   stage-lock <id> <claim>    reads the packages of a release on stdin, prints their id
 *   apply-locked <id> <claim> <nonce> <lock>
 *                              reads a spec on stdin, follows the deployment to its end
 *   apply <id> <claim> <nonce> the same, for stacks from before locks existed
 *   start <id>                 starts a deployed gateway that is down, e.g. after a reboot
 *   restart <id>               stops a deployed gateway, hung or not, and starts it again
 *   backups <id> [--json]      its recovery points, newest first
 *   backup <id>                makes a recovery point while the gateway runs, prints its id
 *   restore <id> <point>       puts a recovery point back, with what ran on it
 *   log <id>                   the last lines that a gateway printed
 *   health <id>                prints healthy, unhealthy, or absent
 *   holder <id>                prints who listens on a gateway's port: itself, nobody, unknown, or which other program
 *   prepare <id> <version> <lock>
 *                              installs a release for a later apply, then as health
 *   disown <id>                lets another stack claim a gateway (it keeps running) if its stack's state is lost
 *   remove <id> [<owner> [purge]]
 *                              stops and removes a gateway if it still belongs to that resource; its data stays, unless purged
 *   leave                      removes everything of ours if no gateway is left
 *   look                       reads claims on stdin, prints what on the host prevents each; changes nothing
 *   cli <id> …                 OpenClaw's command line for a gateway
 *   put-back <id>              undoes a change of the configuration that is not proved, and finishes a restore: before a
 *                              service manager starts a gateway
 *   exec <id>                  becomes a gateway: what a service manager starts
 *   state <action> …           what this program does in a state directory, as its account
 *   work, supervise            processes that this program starts itself
 *
 * The verbs and arguments are stored in the state of every deployed stack: their meaning never changes.
 */
import { readFileSync, rmdirSync } from "node:fs";
import { ensureAccount } from "./account";
import { recordClaimed } from "./applied";
import { restartGateway, startGateway, stopGateway } from "./apply";
import { backUp, listRecoveryPoints, restoreGateway } from "./recoveryVerbs";
import { lastGatewayLines } from "./gatewayLog";
import { claimGateway, discard, disown, purge, releaseClaim } from "./claim";
import { becomeGateway, runCommandLine } from "./commandLine";
import { Failure } from "../model/failure";
import { makeDir, ownOnly, removeTree, writeFile, writeJson } from "./files";
import { entries, readJson } from "../inspect/files";
import { pointedAt, putBackConfig } from "./generation";
import { findGateway, mutexPath, openGateway, openHost, ownManageDir, type Host, type HostGateway } from "./host";
import { applyInBackground, work } from "./jobs";
import { gatewaysDir, hostFile, isWithin, npmrcFile, type HostLayout, type LayoutToSetUp } from "../model/hostLayout";
import { portHolder, isHealthy } from "./health";
import { describeListener, otherThanBefore, type HostLookAnswer, type HostLookRequest } from "../model/conflict";
import { takeMutex } from "./mutex";
import { plain } from "../model/plain";
import { expectedChange } from "../inspect/change";
import { isLost, findWithoutWords } from "../inspect/conflicts";
import { driftsOf } from "../inspect/drift";
import { standing } from "./predecessor";
import { stagePackageLock } from "./stagedPackageLocks";
import { type Wanted, type PackageLock } from "../model/packageLock";
import { ensureRelease } from "./release";
import { stageSecrets } from "./secrets";
import { finishRestore, keepLastPoint } from "./recovery";
import { stateHelper } from "./state/helper";
import type { Claim, Secrets, Spec } from "../model/spec";
import { supervisorKind } from "./supervisors/choose";
import { supervise } from "./supervisors/process";
import { lingerConflict } from "../inspect/units";
import { told } from "./systemError";

const DOCUMENT_FORMAT = 1;

const say = (line: string): void => void process.stderr.write(`${plain(line)}\n`);

/** A document from the components, on stdin. */
function readInput<T extends { format: 1 }>(): T {
  const input = JSON.parse(readFileSync(0, "utf8")) as { format: number };
  if (input.format !== DOCUMENT_FORMAT)
    throw new Failure(
      `this host's program reads format ${DOCUMENT_FORMAT}, not ${input.format}`,
      "update every stack that deploys to this host",
    );
  return input as T;
}

function setUp(manage: string): void {
  const { registryLogin, ...wanted } = JSON.parse(readFileSync(0, "utf8")) as LayoutToSetUp;
  const former = entries(gatewaysDir(manage)).length ? readJson<HostLayout>(hostFile(manage)) : undefined;
  // Running gateways keep the supervisor that they were started with.
  const supervisor = wanted.supervisor ?? (former ? (former.supervisor ?? "process") : supervisorKind(wanted));
  const layout = { ...wanted, supervisor };
  if (former && former.account !== layout.account)
    throw otherwise(manage, accountInWords(former), accountInWords(layout));
  if (former && (former.supervisor ?? "process") !== supervisor)
    throw otherwise(manage, former.supervisor ?? "process", supervisor);
  const linger = layout.account === null && supervisor === "systemd" ? lingerConflict() : undefined;
  if (linger) throw new Failure(`${linger.reason}`, `${linger.advice}`);
  if (layout.account !== null) ensureAccount(layout.account, layout.root);
  makeDir(gatewaysDir(manage));
  writeLogin(manage, layout.registry, registryLogin);
  writeJson(hostFile(manage), layout);
}

/** For npm alone, which the deploying user runs: nobody else may read it. */
function writeLogin(manage: string, registry = "", login?: string): void {
  const npmrc = npmrcFile(manage);
  if (login === undefined) return removeTree(npmrc);
  writeFile(npmrc, `${registry.replace(/^\w+:/, "")}/:_auth=${login}\n`, ownOnly());
}

function otherwise(manage: string, before: string, now: string): Failure {
  const { reason, advice } = otherThanBefore(manage, before, now);
  return new Failure(reason, advice);
}

const accountInWords = ({ account }: HostLayout): string => account ?? "the user who deployed them";

async function withGatewayMutex<T>(host: Host, id: string, action: () => T | Promise<T>): Promise<T> {
  const lock = await takeMutex(mutexPath(host, `gateway-${id}`), () =>
    say("waiting for another deployment of this gateway"),
  );
  try {
    return await action();
  } finally {
    lock.release();
  }
}

const print = async (value: Promise<string> | string): Promise<void> =>
  void process.stdout.write(`${plain(await value)}\n`);

function required(value: string | undefined, name: string): string {
  if (!value) throw new Failure(`the argument ${name} is missing`);
  return value;
}

/** Claims are compared with each other, so only one is made at a time. */
async function claim(host: Host, id: string, wanted: Claim): Promise<string> {
  const lock = await takeMutex(mutexPath(host, "claims"), () => say("waiting for another claim on this host"));
  try {
    const claimed = claimGateway(host, id, wanted);
    recordClaimed(openGateway(host, id));
    return claimed;
  } finally {
    lock.release();
  }
}

/** The gateway; claimed again if an interrupted destroy has given it up. */
async function claimed(host: Host, id: string, document: { claim: Claim }): Promise<HostGateway> {
  if (!findGateway(host, id)) await claim(host, id, document.claim);
  return openGateway(host, id);
}

async function stage(host: Host, id: string, secrets: Secrets): Promise<string> {
  return stageSecrets(await claimed(host, id, secrets), secrets);
}

async function stageClaimedPackageLock(host: Host, id: string, lock: PackageLock): Promise<string> {
  return stagePackageLock((await claimed(host, id, lock)).paths.releases, lock);
}

async function health(host: Host, id: string): Promise<"healthy" | "unhealthy" | "absent"> {
  const found = findGateway(host, id);
  const gateway = found && standing(found);
  const current = gateway && pointedAt(gateway, "current");
  if (!current) return "absent";
  return (await isHealthy(gateway, current)) ? "healthy" : "unhealthy";
}

function holder(host: Host, id: string): string {
  const gateway = openGateway(host, id);
  const current = pointedAt(gateway, "current");
  const found = current ? portHolder(gateway, current) : "nobody";
  if (typeof found === "string") return found;
  return "own" in found ? "itself" : describeListener(found.stranger);
}

async function prepare(host: Host, id: string, wanted: Wanted): Promise<string> {
  await ensureRelease(openGateway(host, id), wanted, say);
  return health(host, id);
}

function claimOnStdin(): Claim | undefined {
  try {
    return process.stdin.isTTY ? undefined : (JSON.parse(readFileSync(0, "utf8")) as Claim);
  } catch {
    return undefined; // there is none
  }
}

async function remove(host: Host, id: string, owner: string | undefined, isPurged: boolean): Promise<void> {
  const gateway = findGateway(host, id);
  if (gateway && owner !== undefined && gateway.claim.owner.gateway !== owner)
    return say(`gateway ${id} now belongs to ${gateway.claim.owner.gateway}: nothing to remove`);
  // A resource of the same name in an abandoned stack: its claim, which Pulumi sends along, has another id.
  const theirs = owner === undefined ? undefined : claimOnStdin();
  if (gateway && theirs !== undefined && theirs.owner.id !== gateway.claim.owner.id)
    return say(`gateway ${id} now belongs to another stack: nothing to remove`);
  // This host got another name or address, and was claimed under it before its previous resources were deleted.
  if (gateway && theirs !== undefined && theirs.address !== gateway.claim.address)
    return say(`gateway ${id} is now reached at ${gateway.claim.address ?? "this machine"}: nothing to remove`);
  if (gateway) {
    say("stopping");
    await stopGateway(gateway);
    const last = isPurged ? await keepLastPoint(gateway) : undefined;
    const kept = releaseClaim(gateway);
    const left = isPurged ? purge(gateway) : [];
    if (left.length) say(`not the gateways' account's, so it stays: ${left.join(", ")}`);
    if (last !== undefined) say(`removed its state; the last recovery point is ${last}`);
    if (kept.length)
      say(`it was never healthy, but not everything in its directories was created for it; kept: ${kept.join(", ")}`);
  } else {
    discard(host, id); // what an earlier, interrupted removal left behind
  }
}

/** Works even if the host is no longer as it was set up: setting it up again begins with this. */
function leave(manage: string): void {
  if (entries(gatewaysDir(manage)).length)
    return say("there are still other gateways on this host: keeping what they share");
  const layout = readJson<HostLayout>(hostFile(manage));
  removeTree(manage);
  try {
    // Ours if it is in our root; kept if it holds other programs' commands.
    if (layout && isWithin(layout.binDir, layout.root)) rmdirSync(layout.binDir);
  } catch {
    // not empty, or not there
  }
}

/** Before a gateway starts by itself: it comes up with one whole configuration and one whole state. */
async function putBack(gateway: HostGateway): Promise<void> {
  putBackConfig(gateway);
  await finishRestore(gateway);
}

// A deployer of before there was `wanted` may ask.
const look = async ({
  layout,
  claims,
  wanted = [],
}: Omit<HostLookRequest, "wanted"> & Partial<HostLookRequest>): Promise<string> => {
  const lost = claims.filter((claim) => isLost(layout, claim)).map(({ id }) => id);
  return JSON.stringify({
    found: findWithoutWords(layout, claims),
    lost,
    changes: wanted.map((spec, index) => expectedChange(layout, claims[index]!.id, spec) ?? null),
    drifts: await driftsOf(layout, claims, lost),
  } satisfies HostLookAnswer);
};

type Verb = (host: Host, id: string, rest: readonly string[]) => unknown;

/** Waits until no other transaction of the gateway is under way. */
const alone =
  (verb: Verb): Verb =>
  (host, id, rest) =>
    withGatewayMutex(host, id, () => verb(host, id, rest) as Promise<void>);

/** What is done with one gateway. */
const VERBS: Readonly<Record<string, Verb>> = {
  claim: alone((host, id) => print(claim(host, id, readInput<Claim>()))),
  "stage-secrets": alone((host, id) => print(stage(host, id, readInput<Secrets>()))),
  "stage-lock": alone((host, id) => print(stageClaimedPackageLock(host, id, readInput<PackageLock>()))),
  apply: (host, id, [, nonce]) =>
    print(applyInBackground(host, id, { spec: readInput<Spec>(), nonce: required(nonce, "nonce") })),
  "apply-locked": (host, id, [, nonce, lock]) =>
    print(
      applyInBackground(host, id, {
        spec: readInput<Spec>(),
        nonce: required(nonce, "nonce"),
        lock: required(lock, "lock"),
      }),
    ),
  start: alone((host, id) => print(startGateway(openGateway(host, id)))),
  restart: alone((host, id) => print(restartGateway(openGateway(host, id), say))),
  backups: (host, id, [flag]) => print(listRecoveryPoints(openGateway(host, id), flag === "--json")),
  backup: alone((host, id) => print(backUp(openGateway(host, id)))),
  restore: alone((host, id, [point]) =>
    print(restoreGateway(openGateway(host, id), required(point, "recovery point"), say)),
  ),
  log: (host, id) => print(lastGatewayLines(openGateway(host, id))),
  health: (host, id) => print(health(host, id)),
  holder: (host, id) => print(holder(host, id)),
  prepare: alone((host, id, [version, lock]) =>
    print(prepare(host, id, { version: required(version, "version"), ...(lock && { lock }) })),
  ),
  disown: alone((host, id) => disown(openGateway(host, id))),
  remove: alone((host, id, [owner, what]) => remove(host, id, owner, what === "purge")),
  work: (host, id, [job]) => work(host, id, job!),
  supervise,
  "put-back": (host, id) => putBack(openGateway(host, id)),
  exec: becomeGateway,
  cli: runCommandLine,
};

async function main(verb: string | undefined, args: readonly string[]): Promise<void> {
  const manage = ownManageDir();
  process.umask(0o022);
  if (verb === "setup") return setUp(manage);
  if (verb === "leave") return leave(manage);
  if (verb === "state") return stateHelper(args);
  if (verb === "look") return print(look(readInput<HostLookRequest>()));
  const host = openHost(manage);
  const [id, ...rest] = args;
  if (id === undefined) throw new Failure(`usage: host ${verb ?? "<verb>"} <gateway>`);
  const action = VERBS[verb ?? ""];
  if (!action) throw new Failure(`unknown verb ${verb}`);
  await action(host, id, rest);
}

main(process.argv[2], process.argv.slice(3)).catch((error: unknown) => {
  say(told(error));
  process.exitCode = 1;
});
