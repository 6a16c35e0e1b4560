/**
 * What a state directory consists of, for who copies it. Everything in this folder runs as the gateways' account: a bot can
 * write there what it likes, and a link leads it nowhere that it could not go itself.
 */
import { lstatSync, readdirSync, type BigIntStats } from "node:fs";
import { join } from "node:path";
import { schemaVersion } from "../../inspect/databases";
import { isMissing } from "../../inspect/files";
import { STATE_OWNER_FILE, WORK_DIR } from "../../model/hostLayout";

/** Made again when they are missing. Source: Node.js, Chromium, npm. */
const CACHES = new Set(["node-compile", ".cache", "Cache", "Code Cache", "GPUCache", "_cacache"]);
/** Ours; what belongs to a running gateway alone, its locks; and what it makes again. Source: OpenClaw's own backup, 2026.9.6. */
const OF_NOW = new Set([WORK_DIR, STATE_OWNER_FILE, "tmp", "cache"]);

export const isLeftOut = (path: string): boolean => OF_NOW.has(path) || CACHES.has(path.split("/").at(-1)!);

/** Times in nanoseconds. */
export interface Entry {
  readonly path: string;
  readonly kind: "directory" | "file" | "link";
  readonly stats: BigIntStats;
}

/** Everything below a directory, parents first. Sockets and pipes belong to who has made them. */
export function* contents(root: string, below = ""): Generator<Entry> {
  for (const name of namesIn(join(root, below)).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    if (isLeftOut(path)) continue;
    const stats = lstatOf(join(root, path));
    const kind = stats && kindOf(stats);
    if (!kind) continue;
    yield { path, kind, stats };
    if (kind === "directory") yield* contents(root, path);
  }
}

/** It may be gone meanwhile. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function lstatOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function kindOf(stats: BigIntStats): Entry["kind"] | undefined {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "link";
  return stats.isFile() ? "file" : undefined;
}

/** Not ours to read: another user's, or a link by now. */
export const isClosed = (error: unknown): boolean =>
  ["EACCES", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "");

/** `undefined` where it is gone, or not ours to read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isMissing(error) || isClosed(error)) return undefined;
    throw error;
  }
}

/** Files that belong to a database, by what is added to its name. */
export const DATABASE_SIDES = ["-wal", "-journal", "-shm"] as const;

/** Size of what there is, in bytes; `databases`: of these alone. */
export function measure(root: string): { total: number; databases: number } {
  const sizes = { total: 0, databases: 0 };
  for (const { path, kind, stats } of contents(root)) {
    if (kind !== "file") continue;
    sizes.total += Number(stats.size);
    if (readable(() => schemaVersion(join(root, path))) !== undefined) sizes.databases += Number(stats.size);
  }
  return sizes;
}

/** Schema versions of all databases, by their paths. */
export function databaseVersions(root: string): Record<string, number> {
  const found = [...contents(root)].filter(({ kind }) => kind === "file");
  return Object.fromEntries(
    found.flatMap(({ path }) => {
      const version = readable(() => schemaVersion(join(root, path)));
      return version === undefined ? [] : [[path, version]];
    }),
  );
}
