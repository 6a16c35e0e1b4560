/**
 * Copies a state directory, exactly, as archives. The large part is copied while the gateway runs; what has changed since, and
 * every database, once more when it has stopped. So a pause grows with what has changed, not with what is there.
 */
import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { closeSync, createWriteStream, fstatSync, mkdirSync, readlinkSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { Failure } from "../../model/failure";
import { schemaVersion } from "../../inspect/databases";
import { openToRead } from "../../inspect/files";
import { isMissing } from "../../inspect/files";
import { WORK_DIR } from "../../model/hostLayout";
import { contents, DATABASE_SIDES, isClosed, type Entry } from "./contents";
import { CHANGES_FILE, TAILS, type Changes, type Contents } from "./format";

/** How the state is copied: while its gateway runs; while it is stopped; first the one, then the other. */
export type Way = "running" | "stopped" | "both";

/** File numbers of this process: where the first archive, what was found, and the second archive go. */
const [FIRST, FOUND, SECOND] = [1, 3, 4];
const CHUNK = 1024 * 1024;
/** The end of what was copied of a file, which tells whether it has only grown. */
const SAMPLE = 64 * 1024;
/** A file that changed this shortly before it was looked at may have changed since with the same time. In nanoseconds. */
const RACY = 1_000_000_000n;

/** A file in the first archive. */
interface Copied {
  readonly stats: Entry["stats"];
  readonly hash: Hash;
  readonly sample: Buffer;
  readonly isRacy: boolean;
}

/** `isStopped` waits for word that the gateway has stopped; false: there will be none. */
export async function packState(root: string, way: Way, isStopped: () => Promise<boolean>): Promise<void> {
  const first = await new Archive(root, FIRST, way !== "stopped").write();
  if (way !== "both") return tell(first.found());
  tell({ copied: first.found() });
  if (!(await isStopped())) return;
  const second = await new Archive(root, SECOND, false, first).write();
  tell(second.found());
}

const tell = (value: object): void => void writeSync(FOUND, `${JSON.stringify(value)}\n`);

type Header = Parameters<Pack["entry"]>[0];

class Archive {
  private readonly pack: Pack = pack();
  private readonly all: readonly Entry[];
  private readonly copied = new Map<string, Copied>();
  private readonly databases: Record<string, number> = {};
  private readonly unread: string[] = [];

  constructor(
    private readonly root: string,
    private readonly output: number,
    private readonly isRunning: boolean,
    /** What was copied before: only what has changed since is added. */
    private readonly base?: Archive,
  ) {
    this.all = [...contents(root)];
  }

  async write(): Promise<this> {
    const written = pipeline(this.pack, createWriteStream("", { fd: this.output }));
    // Whatever ends the output ends this, too: nothing would ever be taken out of the archive again.
    await Promise.all([written, this.addAll()]);
    return this;
  }

  private async addAll(): Promise<void> {
    const snapshots = join(this.root, WORK_DIR, "snapshots");
    try {
      if (this.base) await this.addChanges(this.base);
      for (const entry of this.all) await this.add(entry, snapshots);
    } finally {
      rmSync(snapshots, { recursive: true, force: true });
    }
    this.pack.finalize();
  }

  found(): Contents {
    const files = [...this.copied].map(([path, { hash, stats }]) => ({
      path,
      size: Number(stats.size),
      sha256: hash.copy().digest("hex"),
    }));
    return { files, databases: this.databases, unread: this.unread };
  }

  /** What there was, and is no more. */
  private async addChanges({ all }: Archive): Promise<void> {
    const kept = new Map(this.all.map(({ path, kind }) => [path, kind]));
    const removed = all.filter(({ path, kind }) => kept.get(path) !== kind).map(({ path }) => path);
    await this.put({ name: CHANGES_FILE }, JSON.stringify({ removed } satisfies Changes));
  }

  private async add(entry: Entry, snapshots: string): Promise<void> {
    const { path, kind } = entry;
    const header = headerOf(path, entry.stats);
    const full = join(this.root, path);
    try {
      if (kind === "directory") return await this.put({ ...header, type: "directory" });
      if (kind === "link") return await this.put({ ...header, type: "symlink", linkname: readlinkSync(full) });
      if (this.isSideOfDatabase(path)) return;
      const version = schemaVersion(full);
      if (version === undefined) return await this.addFile(entry, full);
      this.databases[path] = version;
      if (this.isRunning) return await this.addSnapshot(entry, snapshots);
      checkDatabase(path, full);
      await this.addFile(entry, full);
    } catch (error) {
      if (isMissing(error)) return; // it is gone meanwhile
      // A container of a bot leaves files of other users. OpenClaw cannot read them either.
      if (!isClosed(error)) throw error;
      this.unread.push(path);
    }
  }

  /** It is in the snapshot, or is only the memory of who has the database open. */
  private isSideOfDatabase(path: string): boolean {
    const side = DATABASE_SIDES.find((each) => path.endsWith(each));
    if (side === undefined || !(path.slice(0, -side.length) in this.databases)) return false;
    return this.isRunning || side === "-shm";
  }

  private async addSnapshot(entry: Entry, directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true });
    const copy = join(directory, "database");
    const source = new DatabaseSync(join(this.root, entry.path), { readOnly: true });
    try {
      // In one step: whatever is written between two steps would begin it anew.
      await backup(source, copy, { rate: 2 ** 30 });
    } finally {
      source.close();
    }
    checkDatabase(entry.path, copy);
    await this.addFile(entry, copy);
    rmSync(copy);
  }

  private async addFile(entry: Entry, path: string): Promise<void> {
    const before = entry.path in this.databases ? undefined : this.base?.copied.get(entry.path);
    if (before && !before.isRacy && isSame(before.stats, entry.stats)) {
      this.copied.set(entry.path, before);
      return;
    }
    const file = openToRead(path);
    try {
      const stats = fstatSync(file, { bigint: true });
      const size = Number(stats.size);
      const tail = before && hasOnlyGrown(file, before, stats) ? before : undefined;
      const start = tail ? Number(tail.stats.size) : 0;
      const hash = tail ? tail.hash.copy() : createHash("sha256");
      const name = tail ? `${TAILS}${start}/${entry.path}` : entry.path;
      await this.stream({ ...headerOf(name, entry.stats), size: size - start }, { file, start, hash });
      const length = Math.min(SAMPLE, size);
      const isRacy = BigInt(Date.now()) * 1_000_000n - stats.mtimeNs < RACY;
      this.copied.set(entry.path, { stats, hash, sample: readAt(file, size - length, length), isRacy });
    } finally {
      closeSync(file);
    }
  }

  /** Exactly as much as its header says, also of a file that gets shorter meanwhile: that is copied again. */
  private stream(
    header: Header & { size: number },
    { file, start, hash }: { file: number; start: number; hash: Hash },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = this.pack.entry(header, (error) => (error ? reject(error) : resolve()));
      const write = async (): Promise<void> => {
        for (let done = 0; done < header.size;) {
          const wanted = Math.min(CHUNK, header.size - done);
          const read = readAt(file, start + done, wanted);
          const chunk = read.length ? read : Buffer.alloc(wanted);
          hash.update(chunk);
          if (!entry.write(chunk)) await once(entry, "drain");
          done += chunk.length;
        }
        entry.end();
      };
      write().catch(reject);
    });
  }

  private put(header: Header, content?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      if (content === undefined) this.pack.entry(header, done);
      else this.pack.entry(header, content, done);
    });
  }
}

const headerOf = (name: string, { mode, mtimeMs }: Entry["stats"]): Header => ({
  name,
  mode: Number(mode & 0o7777n),
  mtime: new Date(Number(mtimeMs)),
});

function checkDatabase(name: string, path: string): void {
  const database = new DatabaseSync(path);
  try {
    const [{ integrity_check: said } = {}] = database.prepare("PRAGMA integrity_check(1)").all();
    if (said !== "ok") throw new Failure(`the database ${name} is damaged: ${String(said)}`);
  } finally {
    database.close();
  }
}

const isSame = (one: Entry["stats"], other: Entry["stats"]): boolean =>
  one.ino === other.ino && one.size === other.size && one.mtimeNs === other.mtimeNs;

/** Whether a file still begins with what was copied of it. */
function hasOnlyGrown(file: number, { stats, sample }: Copied, now: Entry["stats"]): boolean {
  if (stats.ino !== now.ino || stats.size > now.size || stats.size === 0n) return false;
  return readAt(file, Number(stats.size) - sample.length, sample.length).equals(sample);
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}
