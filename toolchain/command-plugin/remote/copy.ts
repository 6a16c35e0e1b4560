/** Copies a file, a directory or a text to another host by SFTP. */
import { open, readdir, stat, type FileHandle } from "node:fs/promises";
import { basename, join, normalize } from "node:path/posix";
import type { SFTPWrapper, Stats } from "ssh2";
import type { Connection } from "../connection";
import { quote, systemText } from "../goText";
import type { Step } from "../resourceType";
import { dial } from "./dial";

export interface RemoteCopy {
  readonly connection: Connection;
  readonly source: { readonly path: string } | { readonly text: string };
  readonly remotePath: string;
  readonly step: Step;
}

type Content = Buffer | { readonly file: FileHandle; readonly path: string };

const CHUNK_SIZE = 32 * 1024;
const CHUNKS_AT_ONCE = 64;

export async function copyRemotely({ connection, source, remotePath, step }: RemoteCopy): Promise<void> {
  const client = await dial(connection, step);
  try {
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
      client.sftp((error, wrapper) => (error ? reject(new Error("ssh: subsystem request failed")) : resolve(wrapper))),
    );
    const host = new RemoteFiles(sftp);
    if ("text" in source) await copyText(host, source.text, remotePath);
    else await copyPath(host, source.path, remotePath);
  } finally {
    client.end();
  }
}

async function copyText(host: RemoteFiles, text: string, path: string): Promise<void> {
  if ((await host.stat(path))?.isDirectory())
    throw new Error(`remote path ${path} is a directory; when using a text asset, remotePath must be a file path`);
  await host.makeParents(path);
  await host.write(path, Buffer.from(text), `write text content to remote path ${path}`);
}

/** A file goes into a directory that exists, a directory too unless its path ends in a slash: then its content does. */
async function copyPath(host: RemoteFiles, path: string, remotePath: string): Promise<void> {
  const isDirectory = (await local("stat", path, stat(path))).isDirectory();
  const target = await host.stat(remotePath);
  if (!isDirectory) {
    if (!target) await host.makeParents(remotePath);
    return copyFile(host, path, target?.isDirectory() ? join(remotePath, basename(path)) : remotePath);
  }
  if (!target) await host.makeAll(remotePath).catch(failing(`create remote directory ${remotePath}`));
  if (path.endsWith("/")) return copyDirectory(host, path, remotePath);
  await copyDirectory(host, path, join(remotePath, basename(path)));
}

async function copyDirectory(host: RemoteFiles, path: string, remotePath: string): Promise<void> {
  await host.makeDirectory(remotePath);
  const entries = await local("open", path, readdir(path, { withFileTypes: true }));
  for (const entry of entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))) {
    const [from, to] = [join(path, entry.name), join(remotePath, entry.name)];
    await (entry.isDirectory() ? copyDirectory(host, from, to) : copyFile(host, from, to));
  }
}

async function copyFile(host: RemoteFiles, path: string, remotePath: string): Promise<void> {
  const file = await local("open", path, open(path));
  try {
    await host.write(remotePath, { file, path }, `copy file ${path} to remote path ${remotePath}`);
  } finally {
    await file.close();
  }
}

async function local<Result>(call: string, path: string, result: Promise<Result>): Promise<Result> {
  return result.catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${call === "stat" ? "open" : call} ${path}: ${systemText(error)}`);
  });
}

/** The other host's files. Errors are in the words of Go's packages. */
class RemoteFiles {
  constructor(private readonly sftp: SFTPWrapper) {}

  /** Undefined where there is none. */
  async stat(path: string): Promise<Stats | undefined> {
    return this.find(path).catch(failing(`stat remote path ${path}`));
  }

  async makeDirectory(path: string): Promise<void> {
    const there = await this.stat(path);
    if (!there) return this.make(path).catch(failing(`create remote directory ${path}`));
    if (!there.isDirectory()) throw new Error(`remote path ${path} exists but is not a directory`);
  }

  async makeParents(path: string): Promise<void> {
    await this.makeAll(directoryOf(path)).catch(failing(`create parent directories for ${path}`));
  }

  async makeAll(path: string): Promise<void> {
    const there = await this.find(path).catch(() => undefined);
    if (there?.isDirectory()) return;
    if (there) throw new Error(`mkdir ${path}: not a directory`);
    const parent = path
      .replace(/\/+$/, "")
      .replace(/[^/]*$/, "")
      .slice(0, -1);
    if (parent) await this.makeAll(parent);
    await this.make(path);
  }

  /** A handful of chunks is always under way, so that a slow link's delay does not count for each of them. */
  async write(path: string, content: Content, what: string): Promise<void> {
    const handle = await this.call<Buffer>((done) => this.sftp.open(path, "w+", done)).catch(
      failing(`create remote file ${path}`),
    );
    try {
      const reader = readerOf(content);
      let position = 0;
      const copyChunks = async (): Promise<void> => {
        for (;;) {
          const { chunk, at } = await reader();
          if (!chunk.length) return;
          position = at;
          await this.call<void>((done) => this.sftp.write(handle, chunk, 0, chunk.length, position, done));
        }
      };
      await Promise.all(Array.from({ length: CHUNKS_AT_ONCE }, copyChunks));
    } catch (error) {
      failing(what)(error as Error);
    } finally {
      await this.call<void>((done) => this.sftp.close(handle, done)).catch(() => undefined);
    }
  }

  private async find(path: string): Promise<Stats | undefined> {
    return this.call<Stats>((done) => this.sftp.stat(path, done)).catch((error: Error) => {
      if (error.message === NO_SUCH_FILE) return undefined;
      throw error;
    });
  }

  private make(path: string): Promise<void> {
    return this.call<void>((done) => this.sftp.mkdir(path, done));
  }

  private call<Result>(
    start: (done: (error: (Error & { code?: number }) | undefined | null, result: Result) => void) => void,
  ): Promise<Result> {
    return new Promise((resolve, reject) =>
      start((error, result) => (error ? reject(new Error(statusText(error))) : resolve(result))),
    );
  }
}

/** Hands on one chunk after the other, the last ones empty. */
function readerOf(content: Content): () => Promise<{ chunk: Buffer; at: number }> {
  let position = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const next = async (): Promise<{ chunk: Buffer; at: number }> => {
    const at = position;
    if (Buffer.isBuffer(content)) {
      position += CHUNK_SIZE;
      return { chunk: content.subarray(at, position), at };
    }
    const { bytesRead, buffer } = await local("read", content.path, content.file.read(Buffer.alloc(CHUNK_SIZE)));
    position += bytesRead;
    return { chunk: buffer.subarray(0, bytesRead), at };
  };
  return () => {
    const result = turn.then(next);
    turn = result.catch(() => undefined);
    return result;
  };
}

function failing(what: string): (error: Error) => never {
  return (error) => {
    throw new Error(`failed to ${what}: ${error.message}`);
  };
}

const NO_SUCH_FILE = "file does not exist";
const STATUSES = ["OK", "EOF", "", "", "FAILURE", "BAD_MESSAGE", "NO_CONNECTION", "CONNECTION_LOST", "OP_UNSUPPORTED"];

function statusText({ code, message }: Error & { code?: number }): string {
  if (code === 1) return "EOF";
  if (code === 2) return NO_SUCH_FILE;
  if (code === 3) return "permission denied";
  if (code === undefined) return "connection lost";
  return `sftp: ${quote(message)} (${STATUSES[code] ? `SSH_FX_${STATUSES[code]}` : "unknown"})`;
}

/** As Go's: of `a/b/`, it is `a/b`. */
function directoryOf(path: string): string {
  const directory = normalize(path.slice(0, path.lastIndexOf("/") + 1));
  return directory.length > 1 ? directory.replace(/\/$/, "") : directory;
}
