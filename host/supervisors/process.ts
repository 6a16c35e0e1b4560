/**
 * The `process` supervisor, for machines without a service manager: a background process of our own for each gateway.
 * It outlives `pulumi` and the terminal, and ends with the machine.
 */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { supervisorEnvironment } from "../environment";
import { Failure } from "../../model/failure";
import { asGateway, oomScore } from "../fences";
import { writeJson } from "../files";
import { readJson } from "../../inspect/files";
import { serviceArguments, pointedAt, putBackConfig, type Generation } from "../generation";
import { mutexPath, openGateway, type Host, type HostGateway } from "../host";
import {
  DRAIN_TIMEOUT_MS,
  FIRST_BACKOFF_MS,
  MAX_BACKOFF_MS,
  PROCESS_POLL_MS,
  STOP_TIMEOUT_MS,
  SUPERVISOR_START_TIMEOUT_MS,
} from "../limits";
import { tryMutex } from "../mutex";
import { gatewayTag, TAG_VARIABLE } from "../../model/hostLayout";
import { carrying, descendsFrom, findProcess, identify, isAlive, type ProcessIdentity } from "../../inspect/processes";
import { signal } from "../../inspect/run";
import { endCarrying, waitForEnd } from "../endProcesses";
import { readVariables } from "../secrets";
import { attempt } from "../systemError";
import { EXIT_UNRECOVERABLE, watchExit, type Supervisor, type SupervisorStatus } from "./supervisor";
import { defined } from "../../model/defined";

/** A gateway that ran this long gets the first back-off again. */
const STABLE_MS = 60_000;
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const LOG_CHECK_MS = 60_000;
const MAX_LOG_READ = 32 * 1024;

/** What the supervisor writes down, for the next host command to read. */
interface State {
  readonly supervisor: ProcessIdentity;
  readonly gateway?: ProcessIdentity;
  readonly exits: number;
  readonly gaveUp?: string;
}

export const processSupervisor: Supervisor = {
  async start(gateway) {
    await this.stop(gateway, false);
    const child = spawn(process.execPath, [process.argv[1]!, "supervise", gateway.id], {
      cwd: "/",
      env: supervisorEnvironment(),
      stdio: "ignore",
      detached: true,
    });
    let notStarted: Error | undefined;
    child.on("error", (error) => (notStarted = error)).unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    for (const end = Date.now() + SUPERVISOR_START_TIMEOUT_MS; Date.now() < end; await sleep(PROCESS_POLL_MS)) {
      const state = readState(gateway);
      if (state && identity && state.supervisor.pid === identity.pid) return;
      if (!isAlive(identity)) break;
    }
    if (notStarted) throw notStarted;
    if (identity) signal(identity.pid, "SIGKILL");
    throw new Failure(
      `the supervisor of gateway ${gateway.id} did not start`,
      `see ${gateway.paths.log}, and run \`pulumi up\` again`,
    );
  },

  async stop(gateway, drain) {
    const timeout = drain ? DRAIN_TIMEOUT_MS : STOP_TIMEOUT_MS;
    const state = readState(gateway);
    const hangs = watchExit(gateway);
    if (state && isAlive(state.supervisor)) {
      signal(state.supervisor.pid, "SIGTERM");
      if (!(await waitForEnd(state.supervisor, timeout, hangs))) signal(state.supervisor.pid, "SIGKILL");
    }
    // What a killed supervisor left behind.
    await endCarrying(gatewayTag(gateway.paths.dir), gateway.host.identity.uid, drain && !hangs() ? timeout : 0);
  },

  remove: () => undefined,
  settle: () => undefined,
  files: () => [],

  status(gateway): SupervisorStatus {
    const state = readState(gateway);
    return {
      supervised: isAlive(state?.supervisor),
      ...(isAlive(state?.gateway) && { gatewayPid: state.gateway.pid }),
      exits: state?.exits ?? 0,
      ...(state?.gaveUp !== undefined && { gaveUp: state.gaveUp }),
    };
  },

  logPosition: ({ paths }) => (fs.existsSync(paths.log) ? fs.statSync(paths.log).size : 0),

  logSince(gateway, position) {
    const size = this.logPosition(gateway);
    if (size === 0) return "";
    const from = Math.max(position <= size ? position : 0, size - MAX_LOG_READ);
    const file = fs.openSync(gateway.paths.log, "r");
    try {
      const buffer = Buffer.alloc(size - from);
      fs.readSync(file, buffer, 0, buffer.length, from);
      return buffer.toString("utf8");
    } finally {
      fs.closeSync(file);
    }
  },
};

const readState = (gateway: HostGateway): State | undefined =>
  readJson<State>(gateway.paths.supervisorState) ?? orphans(gateway);

/** What keeps running after somebody has removed our directory. */
function orphans({ host, id, paths }: HostGateway): State | undefined {
  const supervisor = findProcess(join(host.manage, "host.cjs"), "supervise", id);
  if (!supervisor) return undefined;
  const [running] = carrying(gatewayTag(paths.dir), host.identity.uid).filter(({ pid }) =>
    descendsFrom(pid, supervisor.pid),
  );
  return defined({ supervisor, exits: 0, gateway: running });
}

/** Main loop of a supervisor process: runs the generation that is current when it starts. */
export async function supervise(host: Host, id: string): Promise<void> {
  const gateway = openGateway(host, id);
  const generation = pointedAt(gateway, "current");
  if (!generation) throw new Failure(`gateway ${id} has no current generation`, "run `pulumi up`, which makes one");
  // One supervisor per gateway, even if one comes late that nobody is waiting for any more.
  if (!tryMutex(mutexPath(host, `supervisor-${id}`))) throw new Failure(`gateway ${id} already has a supervisor`);
  const log = openLog(gateway.paths.log, host.identity.gid);
  const save = stateKeeper(gateway);
  const stop = onStopSignal();
  save({ exits: 0 });

  let backoff = FIRST_BACKOFF_MS;
  for (let exits = 0; !stop.signal.aborted;) {
    const started = Date.now();
    log(`starting generation ${generation.name}, OpenClaw ${generation.spec.version}`);
    const { child, ended } = spawnGateway(gateway, generation, log.file);
    stop.passTo(child);
    save({ exits, child });
    const reason = await ended;
    // Helpers that the gateway left, e.g. a browser, would hold its ports.
    await endCarrying(gatewayTag(gateway.paths.dir), host.identity.uid, 0);
    log(`ended: ${reason}`);
    if (stop.signal.aborted) break;
    exits++;
    if (reason === `exit code ${EXIT_UNRECOVERABLE}`) {
      const gaveUp = `exit code ${EXIT_UNRECOVERABLE}: a restart would not help`;
      log(`giving up: ${gaveUp}`);
      save({ exits, gaveUp });
      await pause(2 ** 31 - 1, stop.signal);
      break;
    }
    save({ exits });
    if (Date.now() - started > STABLE_MS) backoff = FIRST_BACKOFF_MS;
    log(`starting again in ${backoff / 1000} s`);
    await pause(backoff, stop.signal);
    attempt(() => putBackConfig(gateway));
    backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
  }
  log("stopped");
}

/** Writes down what this supervisor does, for the commands that ask. */
function stateKeeper({ paths }: HostGateway) {
  const supervisor = identify(process.pid)!;
  return ({ exits, child, gaveUp }: { exits: number; child?: ChildProcess; gaveUp?: string }): void => {
    const running = child?.pid === undefined ? undefined : identify(child.pid);
    const state: State = defined({ supervisor, exits, gateway: running, gaveUp });
    attempt(
      () => writeJson(paths.supervisorState, state),
      () => attempt(() => overwrite(paths.supervisorState, state)),
    );
  };
}

/** Aborts when this process is to stop, and hands that on to the gateway. */
function onStopSignal(): { readonly signal: AbortSignal; passTo(child: ChildProcess): void } {
  const controller = new AbortController();
  let child: ChildProcess | undefined;
  const stop = (): void => {
    controller.abort();
    if (child?.pid !== undefined) signal(child.pid, "SIGTERM");
  };
  process
    .on("SIGTERM", stop)
    .on("SIGINT", stop)
    .on("SIGHUP", () => undefined);
  return { signal: controller.signal, passTo: (started) => void (child = started) };
}

/** `ended` says how. */
function spawnGateway(
  { host, id, paths }: HostGateway,
  { service }: Generation,
  output: number,
): { readonly child: ChildProcess; readonly ended: Promise<string> } {
  const { file, args, ...who } = asGateway(id, host.identity, service.node, serviceArguments(service));
  const child = spawn(file, args, {
    cwd: service.cwd,
    env: { ...service.env, ...readVariables(service.secrets), [TAG_VARIABLE]: paths.dir },
    ...who,
    stdio: ["ignore", output, output],
    detached: true,
  });
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, killer) => resolve(killer === null ? `exit code ${code}` : `signal ${killer}`));
  });
  attempt(() => fs.writeFileSync(`/proc/${child.pid}/oom_score_adj`, String(oomScore(id))));
  return { child, ended };
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** For when there is no room for another file: overwrites the existing one and keeps its length. */
function overwrite(path: string, state: State): void {
  fs.writeFileSync(path, JSON.stringify(state).padEnd(fs.statSync(path).size), { flag: "r+" });
}

/** The gateway's output and the supervisor's own messages, in one file; one previous file is kept. */
function openLog(path: string, gid: number): ((line: string) => void) & { file: number } {
  const open = (): number => {
    const opened = fs.openSync(path, "a", 0o640);
    fs.fchownSync(opened, process.getuid!(), gid);
    return opened;
  };
  // A gateway without a log is better than no gateway.
  const file = attempt(open, () => fs.openSync("/dev/null", "a"))!;
  const write = (line: string): void => {
    attempt(() => fs.writeSync(file, `${new Date().toISOString()} [supervisor] ${line}\n`));
  };
  // The gateway keeps the file open for months: it is truncated in place, which appending writers do not mind.
  const limit = (): void => {
    if (fs.fstatSync(file).size <= MAX_LOG_BYTES) return;
    attempt(() => fs.copyFileSync(path, `${path}.1`));
    attempt(() => fs.ftruncateSync(file, 0));
  };
  setInterval(limit, LOG_CHECK_MS).unref();
  return Object.assign(write, { file });
}
