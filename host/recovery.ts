/**
 * Recovery points: the exact state of a gateway at one moment, with what is needed to run it again. Nobody but the deploying
 * user can read or change one; a bot's own files are only ever read and written as its account (see state/).
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, renameSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Transform, type Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Failure } from "../model/failure";
import { entries, readJson } from "../inspect/files";
import { purgedDir } from "../model/hostLayout";
import { MANIFEST_FILE, numberOfPoint, recoveryPointsIn } from "../inspect/recoveryPoints";
import { makeDir, ownOnly, removeTree, writeJson } from "./files";
import { isToRestore, stateRefusal } from "../model/recovery";
import type { Spec } from "../model/spec";
import { pointedAt, readyPointer, readGeneration, type Generation } from "./generation";
import type { HostGateway } from "./host";
import type { Contents } from "./state/format";
import type { Way } from "./state/pack";
import { runStateHelper, startStateHelper } from "./stateHelper";

/** Why it was made. */
export type Reason = "upgrade" | "restore" | "backup" | "removal";

export interface RecoveryPoint extends Omit<Contents, "files"> {
  readonly format: 1;
  readonly id: string;
  readonly reason: Reason;
  readonly madeAt: string;
  /** What ran on this state. */
  readonly version: string;
  readonly generation: string;
  /** To be unpacked one after the other. Sizes in bytes. */
  readonly archives: readonly Archive[];
  /** How many there are in it; each is in `FILES_FILE`. */
  readonly files: number;
}

interface Archive {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** Everything, as it was when the gateway still ran. */
const STATE_ARCHIVE = "state.tar.gz";
/** What had changed when it had stopped. */
const CHANGES_ARCHIVE = "changes.tar";
/** All files with their sizes and hashes: apart from the manifest, which every deployment reads. */
const FILES_FILE = "files.json";
const MAKING = ".making-";

export const recoveryPoints = ({ paths }: HostGateway): RecoveryPoint[] => recoveryPointsIn(paths.backups);

export function findRecoveryPoint(gateway: HostGateway, id: string): RecoveryPoint {
  const all = recoveryPoints(gateway);
  const found = all.find((point) => point.id === id);
  if (found) return found;
  throw new Failure(
    `gateway ${gateway.id} has no recovery point ${id}`,
    all.length ? `use one of ${all.map((point) => point.id).join(", ")}` : "it has none yet",
  );
}

/** A recovery point that is being made: everything large is copied already. */
export interface PointInProgress {
  /** What there is so far, as an archive. */
  readonly archive: string;
  /** Completes it; the gateway has stopped, or is to go on running if it was made `running`. */
  seal(): Promise<RecoveryPoint>;
  /** Forgets it. */
  drop(): void;
}

interface Wish {
  readonly reason: Reason;
  readonly way: Way;
}

/** For these a state is unpacked as well: to try a release on it, or in the place of the present one. */
const UNPACKED: readonly Reason[] = ["upgrade", "restore"];
/** Left free for everything else. */
const SPARE_BYTES = 256 * 2 ** 20;

/** For the archives, and for a copy with what a migration keeps of its own. */
async function requireSpace(gateway: HostGateway, reason: Reason): Promise<void> {
  const { total, databases } = await runStateHelper<{ total: number; databases: number }>(gateway, ["measure"]);
  const needs = new Map<number, { path: string; bytes: number }>();
  const add = (path: string, bytes: number): void => {
    const { dev } = statSync(path);
    needs.set(dev, { path, bytes: bytes + (needs.get(dev)?.bytes ?? SPARE_BYTES) });
  };
  add(gateway.paths.dir, total);
  if (UNPACKED.includes(reason)) add(gateway.claim.stateDir, total + 2 * databases);
  for (const { path, bytes } of needs.values()) {
    const { bavail, bsize } = statfsSync(path);
    const free = bavail * bsize;
    if (free >= bytes) continue;
    throw new Failure(
      `a recovery point needs ${megabytes(bytes)} on the disk of ${path}, and ${megabytes(free)} are free; nothing was changed`,
      "free up space on it and run `pulumi up` again",
    );
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

export async function beginRecoveryPoint(
  gateway: HostGateway,
  of: Generation,
  { reason, way }: Wish,
): Promise<PointInProgress> {
  await requireSpace(gateway, reason);
  const { backups } = gateway.paths;
  makeDir(backups, ownOnly());
  for (const name of entries(backups)) if (name.startsWith(MAKING)) removeTree(join(backups, name));
  const number = Math.max(0, ...entries(backups).map(numberOfPoint)) + 1;
  const id = `${String(number).padStart(4, "0")}-${of.spec.version}`;
  const dir = join(backups, `${MAKING}${id}`);
  makeDir(dir, ownOnly());
  const { child, ended } = startStateHelper(gateway, ["pack", way], { stdio: Array<"pipe">(5).fill("pipe") });
  const [, , , found, changes] = child.stdio as unknown as Readable[];
  const lines = linesOf(found!);
  const first = receive(child.stdout!, dir, STATE_ARCHIVE, createGzip({ level: 1 }));
  const second = receive(changes!, dir, CHANGES_ARCHIVE, new PassThrough());
  const all = Promise.all([first, second, ended]);
  for (const promise of [first, second, all]) promise.catch(() => undefined); // reported where it is awaited
  // Whatever fails first counts: the others would wait for it.
  const nextLine = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), all.then(() => lines.next())]);
    if (line !== undefined) return JSON.parse(line);
    await all;
    throw new Failure("its state was not copied: the copying program ended early", "run `pulumi up` again");
  };
  const drop = (): void => {
    child.stdin!.destroy();
    child.kill("SIGKILL");
    removeTree(dir);
  };
  try {
    const early = await nextLine();
    const state = await first;
    return {
      archive: join(dir, STATE_ARCHIVE),
      drop,
      async seal() {
        if (way === "both") child.stdin!.end("stopped\n");
        const { databases, files, unread } = (way === "both" ? await nextLine() : early) as Contents;
        await ended;
        const rest = await second;
        const point: RecoveryPoint = {
          ...{ format: 1, id, reason, madeAt: new Date().toISOString() },
          ...{ version: of.spec.version, generation: of.name },
          archives: way === "both" ? [state, rest] : [state],
          ...{ databases, files: files.length, unread },
        };
        writeJson(join(dir, FILES_FILE), files, ownOnly());
        writeJson(join(dir, MANIFEST_FILE), point, ownOnly());
        renameSync(dir, join(backups, id));
        return point;
      },
    };
  } catch (error) {
    drop();
    throw error;
  }
}

/** Lines as they come; `undefined` when there are no more. */
function linesOf(stream: Readable): { next(): Promise<string | undefined> } {
  const lines: string[] = [];
  let rest = "";
  let isOver = false;
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    stream.emit("line");
  });
  stream.on("close", () => {
    isOver = true;
    stream.emit("line");
  });
  stream.on("error", () => undefined); // then it closes
  return {
    async next() {
      while (!lines.length && !isOver) await once(stream, "line");
      return lines.shift();
    },
  };
}

/** Writes what comes from the account to a file of ours, without looking into it. It is on disk when this is done. */
async function receive(from: Readable, dir: string, name: string, packing: Transform): Promise<Archive> {
  const meter = metered();
  const file = createWriteStream(join(dir, name), { flags: "wx", mode: 0o600, flush: true });
  await pipeline(from, packing, meter.stream, file);
  return { name, ...meter.result() };
}

function metered(): { stream: Transform; result(): { size: number; sha256: string } } {
  const hash = createHash("sha256");
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, result: () => ({ size, sha256: hash.digest("hex") }) };
}

/** Unpacks an archive below a directory, as the account. Returns its hash. */
export async function unpackInto(gateway: HostGateway, archive: string, target: string): Promise<string> {
  const { child, ended } = startStateHelper(gateway, ["unpack", target], { stdio: ["pipe", "ignore", "pipe"] });
  const meter = metered();
  const unpacking = archive.endsWith(".gz") ? createGunzip() : new PassThrough();
  const sent = pipeline(createReadStream(archive), meter.stream, unpacking, child.stdin as Writable);
  sent.catch(() => undefined); // what the helper says counts more
  await ended;
  await sent;
  return meter.result().sha256;
}

/** What `wayBack` says. */
interface WayBack {
  readonly point: string;
  readonly generation: string;
}

/** From now on, whoever goes back to its generation takes this state. */
export const noteWayBack = ({ paths }: HostGateway, { id, generation }: RecoveryPoint): void =>
  writeJson(paths.wayBack, { point: id, generation } satisfies WayBack, ownOnly());

/** The state that a generation left when something else took its place, which is not proved yet. */
export function wayBackTo(gateway: HostGateway, { name }: Generation): RecoveryPoint | undefined {
  const noted = readJson<WayBack>(gateway.paths.wayBack);
  return noted?.generation === name ? findRecoveryPoint(gateway, noted.point) : undefined;
}

export const forgetWayBack = ({ paths }: HostGateway): void => removeTree(paths.wayBack);

/** Before anything is stopped for it. */
export async function requireWhole(gateway: HostGateway, { id, archives }: RecoveryPoint): Promise<void> {
  for (const { name, sha256 } of archives) {
    const meter = metered();
    await pipeline(createReadStream(join(gateway.paths.backups, id, name)), meter.stream.resume());
    if (meter.result().sha256 !== sha256) throw damaged(id, name);
  }
}

const damaged = (id: string, archive: string): Failure =>
  new Failure(
    `the recovery point ${id} is damaged: ${archive} is not what was written; nothing was changed`,
    "use another one, and look at what the disk says (dmesg)",
  );

/** What `restoring` says. */
interface Restoring {
  /** Name of the generation that runs on the restored state. */
  readonly generation: string;
}

/**
 * Puts the state of a recovery point in the place of the one that is there, together with the generation that is to run on it.
 * The gateway must have stopped. Once the state is unpacked and whole, whoever starts the gateway next finishes this.
 */
export async function restoreState(gateway: HostGateway, point: RecoveryPoint, { name }: Generation): Promise<void> {
  const { paths } = gateway;
  const target = await runStateHelper<string>(gateway, ["begin-restore"]);
  for (const { name: archive, sha256 } of point.archives) {
    const found = await unpackInto(gateway, join(paths.backups, point.id, archive), target);
    if (found !== sha256) throw damaged(point.id, archive);
  }
  await runStateHelper(gateway, ["complete-restore"]);
  writeJson(paths.restoring, { generation: name } satisfies Restoring, ownOnly());
  await finishRestore(gateway);
}

/** Whether a state was decided to be restored, and is not yet in its place. */
export const isRestoring = ({ paths }: HostGateway): boolean => readJson(paths.restoring) !== undefined;

/** Goes on with a restore that was interrupted. The gateway must have stopped. */
export async function finishRestore(gateway: HostGateway): Promise<void> {
  const restoring = readJson<Restoring>(gateway.paths.restoring);
  if (!restoring) return;
  await runStateHelper(gateway, ["exchange"]);
  const generation = readGeneration(gateway, restoring.generation);
  if (generation) readyPointer(gateway, "current", generation).place();
  removeTree(gateway.paths.restoring);
}

/** The recovery point that the code wants, unless it was restored before; `undefined`: none. */
export function wantedPoint(gateway: HostGateway, spec: Spec): RecoveryPoint | undefined {
  const restored = readJson<Restored>(gateway.paths.restored)?.point;
  if (!isToRestore(spec, { restored })) return undefined;
  const facts = { version: spec.version, schema: undefined, points: recoveryPoints(gateway), restored };
  const refusal = stateRefusal(spec, facts);
  if (refusal) throw new Failure(`${refusal.property}: ${refusal.reason}; nothing was changed`, refusal.advice);
  return findRecoveryPoint(gateway, spec.restoreFrom!);
}

/** What `restored` says. */
interface Restored {
  readonly point: string;
}

export const noteRestored = ({ paths }: HostGateway, { id }: RecoveryPoint): void =>
  writeJson(paths.restored, { point: id } satisfies Restored, ownOnly());

/** Makes a recovery point that stays when the gateway is gone. Returns its directory; `undefined`: it has no state. */
export async function keepLastPoint(gateway: HostGateway): Promise<string | undefined> {
  const { host, id, paths } = gateway;
  const ran = pointedAt(gateway, "good");
  if (!ran) return undefined;
  const point = await (await beginRecoveryPoint(gateway, ran, { reason: "removal", way: "stopped" })).seal();
  const purged = purgedDir(host.layout.root);
  makeDir(purged, ownOnly());
  const place = join(purged, `${id}-${point.madeAt.replaceAll(/[:.]/g, "-")}`);
  renameSync(join(paths.backups, point.id), place);
  return place;
}

/** How many recovery points stay where the code does not say. */
const DEFAULT_BACKUPS = 3;

/** What runs on the newest one that an `up` made: it can be put back without installing anything. */
export const generationsToKeep = (gateway: HostGateway): string[] =>
  recoveryPoints(gateway)
    .filter(({ reason }) => reason !== "backup")
    .slice(0, 1)
    .map(({ generation }) => generation);

/** Removes the oldest ones: as many of those that an `up` made stay as the code wants, and as many of those by hand. */
export function pruneRecoveryPoints(gateway: HostGateway, kept = DEFAULT_BACKUPS): void {
  const isByHand = ({ reason }: RecoveryPoint): boolean => reason === "backup";
  const all = recoveryPoints(gateway);
  for (const group of [all.filter(isByHand), all.filter((point) => !isByHand(point))])
    for (const { id } of group.slice(kept)) removeTree(join(gateway.paths.backups, id));
}
