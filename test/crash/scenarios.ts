/** The verbs that change something, each as a stack uses it. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageLockId } from "../../model/packageLock";
import { endStrays, eventually, ok, type Outcome } from "../support/hosts";
import { packageLockOf } from "../support/packageLocks";
import type { CrashHost } from "./crashes";
import type { Floor, Scenario } from "./everyPoint";

let nonce: string;
const deploy = async (crash: CrashHost): Promise<void> => void (nonce = await crash.deploy(crash.describe(0)));
const apply = (crash: CrashHost, turn: number): Promise<Outcome> => crash.apply(crash.describe(turn), nonce);
const faults = (crash: CrashHost, turn: number): Promise<string[]> => crash.faults(turn);

/** A change of a gateway that runs. */
const change = { begin: deploy, again: apply, faults, runs: true } as const;

const live: Scenario = { ...change, verb: "work", of: "while it runs", act: apply, floor: [25, 15, 25] };

/** Another process takes its place in every turn. */
const replace = (crash: CrashHost, turn: number): Promise<Outcome> =>
  crash.apply(crash.describe(turn, { maxOldSpaceSize: 1024 + (turn % 2) }), nonce);
const work: Scenario = {
  ...change,
  verb: "work",
  of: "of another process",
  act: replace,
  again: replace,
  floor: [40, 30, 45],
  stride: 3,
};
/** Another release on its state: tried on a copy, and the state kept. */
const [ONE, OTHER] = ["2026.9.100", "2026.9.102"] as const;
const version = (crash: CrashHost, turn: number): Promise<Outcome> =>
  crash.apply(crash.describe(turn, { version: turn % 2 ? OTHER : ONE, backups: 1 }), nonce);
export const UPGRADE: Scenario = {
  ...change,
  verb: "work",
  of: "of another version",
  async begin(crash) {
    await deploy(crash);
    crash.install(OTHER);
    ok(await crash.stageLock(crash.describe(0), OTHER));
    writeFileSync(memory(crash), "precious");
  },
  act: version,
  again: version,
  floor: [90, 60, 90],
  stride: 11,
};
/** The same where what works in the state directory, as its account, is hit. */
export const UPGRADE_HELPER: Scenario = { ...UPGRADE, verb: "state", floor: [20, 15, 20], stride: 9 };

const front: Scenario = { ...change, verb: "apply-locked", act: apply, floor: [14, 6, 10] };

/** Started, started again what was killed, and stopped. */
const supervise: Scenario = {
  ...change,
  verb: "supervise",
  floor: [28, 20, 25],
  stride: 3,
  async act(crash) {
    const outcome = await crash.host.run("restart", ["main"]);
    if (outcome.code !== 0 || crash.hit !== undefined) return outcome;
    const former = crash.host.gatewayPid("main");
    process.kill(former, "SIGKILL");
    const isBack = (): boolean => ![former, NaN].includes(crash.host.gatewayPid("main"));
    await eventually("another process", 20, async () => crash.hit ?? (isBack() && (await crash.answers())));
    return crash.hit === undefined ? crash.host.run("restart", ["main"]) : outcome;
  },
  again: (crash) => apply(crash, 0),
  faults: (crash) => crash.faults(0),
};

/** Of a gateway that runs, by a verb that is followed by a deployment in which nothing has changed. */
const verbOf = (
  verb: string,
  floor: Floor,
  act: (crash: CrashHost, turn: number) => Promise<Outcome>,
  rest: Partial<Scenario> = {},
): Scenario => ({
  ...change,
  verb,
  floor,
  faults: (crash) => crash.faults(0),
  act,
  async again(crash, turn) {
    const outcome = await act(crash, turn);
    return outcome.code === 0 ? apply(crash, 0) : outcome;
  },
  ...rest,
});

const restart = verbOf("restart", [3, 2, 2], (crash) => crash.host.run("restart", ["main"]));
const setup = verbOf("setup", [5, 5, 5], (crash) => crash.setUp());

const { runs: _, ...isDown } = verbOf("start", [3, 1, 1], (crash) => crash.host.run("start", ["main"]), {
  async before(crash) {
    endStrays(crash.host.root);
    await eventually("it is down", 20, async () => !(await crash.answers()));
  },
});
const start: Scenario = isDown;

const disown = verbOf("disown", [5, 5, 5], (crash) => crash.host.run("disown", ["main"]), {
  async again(crash, turn) {
    ok(await crash.host.run("disown", ["main"]));
    const outcome = await crash.claim(crash.describe(turn));
    return outcome.code === 0 ? apply(crash, 0) : outcome;
  },
});

const stage: Scenario = {
  ...change,
  verb: "stage-secrets",
  floor: [8, 6, 8],
  act: (crash, turn) => crash.stage(crash.describe(turn), { TURN: String(turn) }),
  async again(crash, turn) {
    const outcome = await crash.stage(crash.describe(turn), { TURN: String(turn) });
    return outcome.code === 0 ? crash.apply(crash.describe(turn), outcome.stdout.trim()) : outcome;
  },
};

/** By hand, of a state that is there; the present one becomes a recovery point each time. */
const POINT = `0001-${ONE}`;
export const RESTORE: Scenario = verbOf(
  "restore",
  [50, 40, 45],
  (crash) => crash.host.run("restore", ["main", POINT]),
  {
    async begin(crash) {
      await deploy(crash);
      writeFileSync(memory(crash), "precious");
      ok(await crash.host.run("backup", ["main"]));
    },
    async again(crash) {
      const outcome = await crash.host.run("restore", ["main", POINT]);
      return outcome.code === 0 ? crash.apply(crash.describe(0, { backups: 1 }), nonce) : outcome;
    },
    stride: 7,
  },
);

const RELEASE = "2026.9.101";
/** Every other turn with other packages. */
const lock: Scenario = verbOf("stage-lock", [5, 4, 5], (crash, turn) =>
  crash.stageLock(crash.describe(0), RELEASE, packageLockOf(`of turn ${turn % 2}`)),
);

const prepare = verbOf(
  "prepare",
  [5, 4, 4],
  (crash) => crash.host.run("prepare", ["main", RELEASE, packageLockId(packageLockOf(RELEASE))]),
  {
    async before(crash) {
      ok(await crash.stageLock(crash.describe(0), RELEASE));
      crash.send(RELEASE);
    },
  },
);

/** Every other turn it has other directories, and its configuration another path. */
const moved = (crash: CrashHost, turn: number) => {
  const directory = join(crash.host.root, `place-${turn % 2}`);
  const paths = { state: join(directory, "state"), config: join(directory, "etc", "openclaw.json") };
  return crash.describe(turn, { stateDir: paths.state, configPath: paths.config });
};
const move: Scenario = {
  ...change,
  async begin(crash) {
    await deploy(crash);
    for (const turn of [1, 2]) ok(await crash.claim(moved(crash, turn)));
  },
  verb: "claim",
  of: "with other directories",
  floor: [30, 25, 30],
  act: (crash, turn) => crash.claim(moved(crash, turn)),
  again: (crash, turn) => crash.claim(moved(crash, turn)),
  faults: (crash) => crash.faults(0),
  async end(crash) {
    ok(await crash.claim(moved(crash, 1)));
    ok(await crash.apply(moved(crash, 1), nonce));
  },
};

const memory = (crash: CrashHost): string => join(crash.describe(0).claim.workspace, "memory.md");

/** Nothing is there, not even what a gateway leaves behind. */
function clear(crash: CrashHost): void {
  rmSync(crash.describe(0).claim.stateDir, { recursive: true, force: true });
}

/** What a destroy leaves, and what the user had. */
const removed = async (crash: CrashHost): Promise<string[]> => [
  ...(existsSync(memory(crash)) ? [] : ["the user's file is gone"]),
  ...((await crash.answers()) ? ["still runs"] : []),
];

const remove: Scenario = {
  verb: "remove",
  floor: [10, 5, 8],
  async before(crash) {
    await crash.deploy(crash.describe(0));
    writeFileSync(memory(crash), "precious");
  },
  act: (crash) => crash.remove(crash.describe(0)),
  again: (crash) => crash.remove(crash.describe(0)),
  faults: removed,
};

const claim: Scenario = {
  verb: "claim",
  of: "of what is not there",
  floor: [28, 20, 25],
  before: (crash) => Promise.resolve(clear(crash)),
  act: (crash) => crash.claim(crash.describe(0)),
  again: (crash) => crash.claim(crash.describe(0)),
  after: async (crash) => void ok(await crash.remove(crash.describe(0))),
  end: deploy,
};

export const TRANSACTION: readonly Scenario[] = [live, work, front, supervise];
export const REST: readonly Scenario[] = [claim, move, stage, lock, prepare, restart, start, disown, setup, remove];
