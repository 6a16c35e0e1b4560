/**
 * Recovery points: the exact state of a gateway at one moment, with what is needed to run it again. Nobody but the deploying
 * user can read or change one; a bot's own files are only ever read and written as its account (see state/).
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough, Transform, type Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Failure } from "../model/failure";
import { entries, readJson } from "../inspect/files";
import { makeDir, removeTree, writeJson } from "./files";
import { readyPointer, readGeneration, type Generation } from "./generation";
import type { HostGateway } from "./host";
import type { Contents } from "./state/format";
import type { Way } from "./state/pack";
import { runStateHelper, startStateHelper } from "./stateHelper";

/** Why it was made. */
export type Reason = "upgrade" | "restore" | "backup" | "removal";

export interface RecoveryPoint extends Contents {
  readonly format: 1;
  readonly id: string;
  readonly reason: Reason;
  readonly madeAt: string;
  /** What ran on this state. */
  readonly version: string;
  readonly generation: string;
  /** To be unpacked one after the other. Sizes in bytes. */
  readonly archives: readonly Archive[];
}

interface Archive {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

const MANIFEST = "manifest.json";
/** Everything, as it was when the gateway still ran. */
const STATE_ARCHIVE = "state.tar.gz";
/** What had changed when it had stopped. */
const CHANGES_ARCHIVE = "changes.tar";
const MAKING = ".making-";
const OWN_ONLY = { dirMode: 0o700, fileMode: 0o600 } as const;
const ownOnly = () => ({ ...OWN_ONLY, gid: process.getgid!() });

const numberOf = (id: string): number => Number(/^(\d+)-/.exec(id)?.[1] ?? 0);

/** All that are whole, newest first. */
export const recoveryPoints = ({ paths }: HostGateway): RecoveryPoint[] =>
  entries(paths.backups)
    .sort((one, other) => numberOf(other) - numberOf(one))
    .flatMap((id) => readJson<RecoveryPoint>(join(paths.backups, id, MANIFEST)) ?? []);

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

export async function beginRecoveryPoint(
  gateway: HostGateway,
  of: Generation,
  { reason, way }: Wish,
): Promise<PointInProgress> {
  const { backups } = gateway.paths;
  makeDir(backups, ownOnly());
  for (const name of entries(backups)) if (name.startsWith(MAKING)) removeTree(join(backups, name));
  const number = Math.max(0, ...entries(backups).map(numberOf)) + 1;
  const id = `${String(number).padStart(4, "0")}-${of.spec.version}`;
  const dir = join(backups, `${MAKING}${id}`);
  makeDir(dir, ownOnly());
  const { child, ended } = startStateHelper(gateway, ["pack", way], { stdio: Array<"pipe">(5).fill("pipe") });
  const [, , , found, changes] = child.stdio as unknown as Readable[];
  const lines = createInterface({ input: found! })[Symbol.asyncIterator]();
  const first = receive(child.stdout!, dir, STATE_ARCHIVE, createGzip({ level: 1 }));
  const second = receive(changes!, dir, CHANGES_ARCHIVE, new PassThrough());
  for (const promise of [first, second]) promise.catch(() => undefined); // reported where it is awaited
  const nextLine = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (!done) return JSON.parse(value);
    await ended;
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
        child.stdin!.end("stopped\n");
        const { databases, files, unread } = (way === "both" ? await nextLine() : early) as Contents;
        await ended;
        const rest = await second;
        const point: RecoveryPoint = {
          ...{ format: 1, id, reason, madeAt: new Date().toISOString() },
          ...{ version: of.spec.version, generation: of.name },
          archives: way === "both" ? [state, rest] : [state],
          ...{ databases, files, unread },
        };
        writeJson(join(dir, MANIFEST), point, ownOnly());
        renameSync(dir, join(backups, id));
        return point;
      },
    };
  } catch (error) {
    drop();
    throw error;
  }
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
    if (found !== sha256)
      throw new Failure(
        `the recovery point ${point.id} is damaged: ${archive} is not what was written`,
        "use another one, and look at what the disk says (dmesg)",
      );
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
export function wantedPoint(gateway: HostGateway, id: string | undefined): RecoveryPoint | undefined {
  if (id === undefined || readJson<Restored>(gateway.paths.restored)?.point === id) return undefined;
  return findRecoveryPoint(gateway, id);
}

/** What `restored` says. */
interface Restored {
  readonly point: string;
}

export const noteRestored = ({ paths }: HostGateway, { id }: RecoveryPoint): void =>
  writeJson(paths.restored, { point: id } satisfies Restored, ownOnly());

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
