/** The deployer's archives: made once, used for every host. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { NPM_SHA512, NPM_VERSION, type Cpu } from "../model/pins";
import { workerEnvironment, CHANGED_PACKAGE, isChangedPackage, installArguments, manifestFiles } from "../model/npm";
import { packageLockId } from "../model/packageLock";
import { requireComplete } from "../inspect/release";
import { cacheDirectory } from "../model/cache";
import { Failure, messageOf } from "../model/failure";
import { plain } from "../model/plain";
import { withMutex } from "./mutex";
import type { PinnedPackage } from "../model/requests";

export interface Archive {
  readonly file: string;
  readonly size: number;
  /** Of the whole file, hex. */
  readonly sha256: string;
}

const cache = join(cacheDirectory(process.env), "push");
const NPM: PinnedPackage = { name: "npm", version: NPM_VERSION, sha512: NPM_SHA512 };

/** A published package, fetched by this machine's npm, if it is the one that this library knows. */
export function packageArchive({ name, version, sha512 }: PinnedPackage, registry?: string): Promise<Archive> {
  const archive = `${name}-${version}.tgz`;
  return cached(archive, async (directory) => {
    await npmCommand({
      what: `fetch ${name}@${version}`,
      command: "npm",
      args: ["pack", "--silent", "--ignore-scripts", `${name}@${version}`],
      cwd: directory,
      registry,
    });
    if ((await hashOf("sha512", join(directory, archive))) !== sha512)
      throw new Failure(
        `${name}@${version} from the npm registry does not have the sha512 that this library expects`,
        "do not use this registry; tell its operator",
      );
  });
}

/** An installed release for a kind of host: the steps of host/release.ts except OpenClaw's own install script. */
export function releaseArchive(version: string, packages: string, cpu: Cpu): Promise<Archive> {
  const archive = `openclaw-${version}-${packageLockId(packages)}-linux-${cpu}.tgz`;
  return cached(archive, async (directory) => {
    const release = join(directory, "release");
    mkdirSync(release);
    for (const [name, text] of Object.entries(manifestFiles(version, packages)))
      writeFileSync(join(release, name), text);
    const platform = ["--os=linux", `--cpu=${cpu}`, "--libc=glibc"];
    const npm = await unpackedNpm(directory);
    say(`installing openclaw@${version} for linux-${cpu} on this machine`);
    const args = [npm, ...installArguments(release, version, packages), ...platform];
    await npmCommand({ what: `install openclaw@${version}`, command: process.execPath, args, cwd: release });
    requireComplete(release, version, packages, cpu);
    say(`packing openclaw@${version}`);
    await tar(["-czf", join(directory, archive), "-C", release, "."]);
  });
}

/** Puts the npm that this library knows below a directory of the caller; returns its program for Node.js. */
export async function unpackedNpm(directory: string, registry?: string): Promise<string> {
  const npm = await packageArchive(NPM, registry);
  const place = join(directory, "npm");
  mkdirSync(place);
  await tar(["-xzf", npm.file, "-C", place, "--strip-components=1"]);
  return join(place, "bin", "npm-cli.js");
}

/** For `withLock`. */
export const sayWaiting = (): void => say("waiting for another process that is doing the same");

export const say = (line: string): void => void process.stderr.write(`${plain(line)}\n`);

/** A file of the cache; `make` first puts it into a directory of its own. A damaged or wrong one is made again. */
export async function cached(
  name: string,
  make: (directory: string) => Promise<void>,
  isRight: (file: string) => boolean = () => true,
): Promise<Archive> {
  const [file, hash] = [join(cache, name), join(cache, `${name}.sha256`)];
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return withMutex(join(cache, `${name}.lock`), sayWaiting, async () => {
    const wanted = existsSync(file) && existsSync(hash) ? readFileSync(hash, "utf8") : undefined;
    if (wanted === undefined || (await hashOf("sha256", file)) !== wanted || !isRight(file)) {
      const directory = mkdtempSync(join(cache, ".making-"));
      try {
        await make(directory);
        rmSync(hash, { force: true });
        renameSync(join(directory, name), file);
        writeFileSync(hash, await hashOf("sha256", file));
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }
    return { file, size: statSync(file).size, sha256: readFileSync(hash, "utf8") };
  });
}

async function hashOf(algorithm: "sha256" | "sha512", file: string): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

interface NpmCommand {
  /** What it is for, as in "npm could not …". */
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly registry?: string | undefined;
}

/** npm gets what it needs to reach its registry, and no secret of the stack. */
export async function npmCommand({ what, command, args, cwd, registry }: NpmCommand): Promise<void> {
  try {
    await promisify(execFile)(command, args, {
      cwd,
      env: {
        ...workerEnvironment(process.env, registry === undefined ? {} : { registry }),
        PATH: process.env.PATH,
      },
    });
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    throw new Failure(
      `npm could not ${what} on this machine:\n${stderr.trim() || message}`,
      isChangedPackage(stderr)
        ? CHANGED_PACKAGE
        : "check that this machine can reach the npm registry (npm ping), and that the version exists",
    );
  }
}

async function tar(args: readonly string[]): Promise<void> {
  try {
    // On macOS it would add files of its own.
    await promisify(execFile)("tar", args, { env: { PATH: process.env.PATH, COPYFILE_DISABLE: "1" } });
  } catch (error) {
    throw new Failure(`tar failed on this machine: ${messageOf(error)}`, `free up disk space below ${cache}`);
  }
}
