/** Puts archives of a state directory into an empty directory. */
import {
  chmodSync,
  constants,
  createWriteStream,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract, type Headers } from "tar-stream";
import { Failure } from "../../model/failure";
import { CHANGES_FILE, TAILS, type Changes } from "./format";

/** Adds an archive to what is there of an earlier one. */
export async function unpackState(archive: Readable, target: string): Promise<void> {
  const directories: [path: string, mode: number][] = [];
  const extraction = extract();
  extraction.on("entry", (header, content, next) => {
    add(header, content, target, directories).then(() => next(), next);
  });
  await pipeline(archive, extraction);
  // Their files come after them.
  for (const [path, mode] of directories.reverse()) chmodSync(path, mode);
}

async function add(
  { name, type, mode = 0o600, mtime, linkname }: Headers,
  content: Readable,
  target: string,
  directories: [string, number][],
): Promise<void> {
  if (name === CHANGES_FILE) {
    const { removed } = JSON.parse(await text(content)) as Changes;
    for (const path of removed) rmSync(inside(target, path), { recursive: true, force: true });
    return;
  }
  const [, start, of] = (name.startsWith(TAILS) && /^(\d+)\/(.+)$/s.exec(name.slice(TAILS.length))) || [];
  const path = inside(target, of ?? name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (type === "directory") {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    directories.push([path, mode]);
  } else if (type === "symlink") {
    rmSync(path, { force: true });
    symlinkSync(linkname!, path);
  } else if (type === "file") {
    await pipeline(content, createWriteStream("", { fd: openAt(path, mode, Number(start ?? 0)) }));
    if (mtime) utimesSync(path, mtime, mtime);
    return;
  }
  content.resume();
}

function openAt(path: string, mode: number, start: number): number {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_APPEND } = constants;
  const file = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_APPEND, mode);
  ftruncateSync(file, start);
  return file;
}

function inside(target: string, path: string): string {
  const clean = normalize(path);
  if (clean.startsWith("..") || clean.startsWith("/")) throw new Failure(`an archive wants to write to ${path}`);
  return join(target, clean);
}
