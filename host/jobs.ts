/**
 * Jobs: a transaction runs in a process of its own, in a session of its own. The command that Pulumi started only waits
 * for it, so that a cancelled or killed `pulumi up` never interrupts a transaction. One that nobody waits for any
 * more is undone: Pulumi records it as failed, and the host must not be ahead of the stack's state.
 */
import { spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { applySpec } from "./apply";
import { workerEnvironment } from "../model/npm";
import { Failure, withAdvice } from "../model/failure";
import { makeDir, ownOnly, removeTree, writeJson } from "./files";
import { isMissing, entries, readJson } from "../inspect/files";
import { mutexPath, openGateway, type Host } from "./host";
import { JOB_POLL_MS } from "./limits";
import { takeMutex } from "./mutex";
import { identify, isAlive, type ProcessIdentity } from "../inspect/processes";
import type { Spec } from "../model/spec";
import { attempt, told } from "./systemError";

/** Number of finished jobs that are kept, to look up later what happened. */
const KEPT_JOBS = 5;

interface Request {
  readonly spec: Spec;
  readonly nonce: string;
  /** Id of the release's lock; absent in requests from before locks existed. */
  readonly lock?: string;
  /** The command that waits for the job. */
  readonly follower: ProcessIdentity;
}

interface JobResult {
  readonly summary?: string;
  readonly error?: string;
}

/** Starts a worker for a spec and follows it to its end. */
export async function applyInBackground(host: Host, id: string, request: Omit<Request, "follower">): Promise<string> {
  const { paths } = openGateway(host, id);
  const access = ownOnly();
  makeDir(paths.jobs, access);
  const name = nextName(entries(paths.jobs));
  const job = join(paths.jobs, name);
  makeDir(job, access);
  writeJson(join(job, "request.json"), { ...request, follower: identify(process.pid)! } satisfies Request, access);
  const worker = spawn(process.execPath, [process.argv[1]!, "work", id, name], {
    cwd: "/",
    env: workerEnvironment(process.env),
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let notStarted: Error | undefined;
  worker.on("error", (error) => (notStarted = error)).unref();
  const said = text(worker.stdout);
  const identity = worker.pid === undefined ? undefined : identify(worker.pid);

  const show = follow(progressFile(job));
  const caller = process.ppid;
  for (let alive = true; alive; await sleep(JOB_POLL_MS)) {
    alive = isAlive(identity);
    // The process that started this command and records its output is gone: nobody is waiting any more.
    if (process.ppid !== caller) process.exit(1);
    show();
  }
  if (notStarted) throw notStarted;
  const result = parsed(await said) ?? readJson<JobResult>(resultFile(job));
  if (result?.summary !== undefined) return result.summary;
  throw new Failure(
    result?.error ??
      withAdvice(
        "the deployment was stopped from outside",
        "run `pulumi up` again: it finishes or undoes what was started",
      ),
  );
}

function parsed(said: string): JobResult | undefined {
  try {
    return JSON.parse(said) as JobResult;
  } catch {
    return undefined; // it was killed, or could not report its result
  }
}

/** The worker: one transaction under the gateway's lock. */
export async function work(host: Host, id: string, name: string): Promise<void> {
  const gateway = openGateway(host, id);
  const job = join(gateway.paths.jobs, name);
  const progress = (line: string): void => void attempt(() => appendFileSync(progressFile(job), `${line}\n`));
  const lock = await takeMutex(mutexPath(host, `gateway-${id}`), () =>
    progress("waiting for another deployment of this gateway"),
  );
  // To the waiting command, even if the disk is full; and into a file, to look at later.
  const finish = (result: JobResult): void => {
    attempt(() => writeJson(resultFile(job), result, ownOnly()));
    attempt(() => writeSync(1, JSON.stringify(result)));
  };
  try {
    const { spec, nonce, lock, follower } = readJson<Request>(join(job, "request.json"))!;
    const isWanted = (): boolean => isAlive(follower);
    finish({ summary: await applySpec(gateway, { spec, nonce, lock }, { progress, isWanted }) });
  } catch (error) {
    finish({ error: told(error) });
  } finally {
    attempt(() => removeOldJobs(gateway.paths.jobs, name));
    lock.release();
  }
}

/** Never the job's own: the command that waits for it reads the result there. */
function removeOldJobs(jobs: string, own: string): void {
  const others = entries(jobs).filter((name) => name !== own);
  const byAge = others.sort((one, other) => numberOf(one) - numberOf(other));
  for (const old of byAge.slice(0, Math.max(0, others.length - (KEPT_JOBS - 1)))) removeTree(join(jobs, old));
}

/** Jobs are numbered, since the clock may jump back. Two that start at once have the same number. */
const nextName = (names: readonly string[]): string =>
  `${String(Math.max(0, ...names.map(numberOf)) + 1).padStart(8, "0")}-${process.pid}`;

/** 0: from before jobs were numbered. */
const numberOf = (name: string): number => Number(/^(\d{8})-\d+$/.exec(name)?.[1] ?? 0);

const progressFile = (job: string): string => join(job, "progress.log");
const resultFile = (job: string): string => join(job, "result.json");

/** Prints what is new in a file at each call. */
function follow(path: string): () => void {
  let position = 0;
  return () => {
    try {
      const file = openSync(path, "r");
      const buffer = Buffer.alloc(64 * 1024);
      for (let read; (read = readSync(file, buffer, 0, buffer.length, position)) > 0; position += read)
        process.stderr.write(buffer.subarray(0, read));
      closeSync(file);
    } catch (error) {
      if (!isMissing(error)) throw error; // the gateway was removed meanwhile
    }
  };
}
