import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { relative } from "node:path";

/** As test/support/soak.ts has it, which this file cannot import. */
const isSoak = process.env.SOAK === "1";

const minutes = (count: number): number => count * 60_000;

/** Files that run side by side, each with a lab, a Docker engine and ports of its own. They wait more than they work. */
const WORKERS = 4;
/** Their rows sample or take the time: they run when everything else is done. */
const QUIET = [
  // A real gateway that nobody of ours starts again: OpenClaw ends itself where it does not get a processor for 5 s.
  "test/engine/besideMain.test.ts",
  "test/lab/neverBothDown.test.ts",
  "test/docker/quiet.test.ts",
  "test/lab/secrets.test.ts",
];

/**
 * The files that take longest: they start first, so that none of them is left alone at the end. Those with real gateways run one
 * after the other (test/support/oneAtATime.ts), so others stand between them.
 */
const LONGEST = [
  "test/lab/openclaw.test.ts",
  "test/crash/noSpace.test.ts",
  "test/lab/faults.test.ts",
  "test/docker/faults.test.ts",
  "test/docker/pair.test.ts",
  "test/crash/killWork.test.ts",
  "test/lab/severalHosts.test.ts",
  "test/engine/rootStack.test.ts",
  "test/lab/sshHost.test.ts",
  "test/crash/brokenDiskWork.test.ts",
  "test/host/upgrade.test.ts",
  "test/lab/look.test.ts",
  "test/crash/upgrade.test.ts",
  "test/package/package.test.ts",
  "test/crash/killRest.test.ts",
  "test/engine/runbook.test.ts",
  "test/host/standIn.test.ts",
  "test/docker/firstUp.test.ts",
  "test/lab/moves.test.ts",
  "test/docker/elsewhere.test.ts",
  "test/docker/twoTargets.test.ts",
  "test/lab/bareHost.test.ts",
  "test/lab/push.test.ts",
  "test/engine/examples.test.ts",
  "test/crash/brokenDiskRest.test.ts",
  "test/host/plainUser.test.ts",
  "test/lab/killed.test.ts",
  "test/static/sources.test.ts",
  "test/engine/rootStackLife.test.ts",
  "test/engine/programs.test.ts",
  "test/lab/lab.test.ts",
  "test/docker/gateway.test.ts",
  "test/docker/dockerd.test.ts",
  "test/host/failures.test.ts",
  "test/host/claims.test.ts",
  "test/host/lifecycle.test.ts",
  "test/host/liveChange.test.ts",
  "test/docs/reference.test.ts",
  "test/host/rename.test.ts",
  "test/engine/besideMain.test.ts",
  "test/lab/neverBothDown.test.ts",
  "test/lab/secrets.test.ts",
];

/** What `make soak` runs with the real OpenClaw in place of the stand-in; the samples of the quiet ones too. */
const SOAK = [
  ...["faults", "killed", "look", "moves", "severalHosts", "sshHost"].map((name) => `test/lab/${name}.test.ts`),
  ...["check", "lifecycle"].map((name) => `test/host/${name}.test.ts`),
  ...["elsewhere", "faults", "firstUp", "twoTargets"].map((name) => `test/docker/${name}.test.ts`),
  ...["besideMain", "rootStackLife", "runbook"].map((name) => `test/engine/${name}.test.ts`),
];

class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(project.config.root, moduleId));
      return at < 0 ? LONGEST.length : at;
    };
    return Promise.resolve(files.toSorted((one, other) => rank(one) - rank(other)));
  }
}

type Options = NonNullable<TestProjectInlineConfiguration["test"]>;

/** Part of the suite; `npm test -- --project NAME` runs one, and `npm test -- test/FOLDER` the files of a folder. */
const level = (name: string, options: Options = {}): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: QUIET,
    maxWorkers: WORKERS,
    ...options,
  },
});

/** Real gateways, engines and hosts: minutes, on busy cores. The variable is as test/support/engine.ts has it. */
const slow: Options = {
  testTimeout: minutes(10),
  hookTimeout: minutes(15),
  env: { CLAW_TEST_QUICK: "1" },
};
const SETUP = "test/support/globalSetup.ts";
const LAB_SETUP = "test/lab/globalSetup.ts";
const DOCKER_SETUP = "test/docker/globalSetup.ts";

const quiet = level("quiet", {
  ...slow,
  globalSetup: [SETUP, LAB_SETUP, DOCKER_SETUP],
  include: QUIET,
  exclude: [],
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
});

const levels = [
  level("static", { testTimeout: minutes(5) }),
  // Its files leave nothing in the process, and most of them are shorter than loading what they share.
  level("unit", { isolate: false, include: ["test/unit/**/*.test.ts", "test/toolchain/**/*.test.ts"] }),
  level("docs", { testTimeout: minutes(1), hookTimeout: minutes(1) }),
  level("mocks"),
  level("plugin", {
    globalSetup: "test/plugin/globalSetup.ts",
    isolate: false,
    testTimeout: minutes(1),
    hookTimeout: minutes(1),
  }),
  // One worker process for all files that it runs, one after the other: with one for each, loading took twice as long.
  level("real", {
    ...slow,
    globalSetup: [SETUP, LAB_SETUP, DOCKER_SETUP],
    include: ["package", "host", "crash", "engine", "lab", "docker"].map((folder) => `test/${folder}/**/*.test.ts`),
    isolate: false,
    setupFiles: "test/support/ownEnvironment.ts",
  }),
  quiet,
];

/** Real gateways work more than they wait: of four files' OpenClaw itself gave up, as one of its starts may take 5 s at most. */
const SOAK_WORKERS = 2;
const soak = [
  level("soak", {
    ...slow,
    globalSetup: [SETUP, LAB_SETUP, DOCKER_SETUP],
    include: SOAK,
    maxWorkers: SOAK_WORKERS,
  }),
  quiet,
];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/support/times.ts"],
    projects: isSoak ? soak : levels,
  },
});
