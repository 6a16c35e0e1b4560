/** Releases that misbehave: the stand-in for OpenClaw shows at once what takes the real one minutes. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STATE_OWNER_FILE } from "../../model/hostLayout";
import { packageLockId } from "../../model/packageLock";
import { findConflicts, isLost } from "../../inspect/conflicts";
import { ownersOfProcesses } from "../../inspect/processes";
import { placeStandIn, sendStandIn, type Behaviour } from "../standIn/release";
import { TEST_LIMITS } from "../support/hostProgram";
import { ask, eventually, isRunning, ok, TestHost, type Outcome } from "../support/hosts";
import { packageLockOf } from "../support/packageLocks";
import { seedNode } from "../support/seed";

const PORT = 23400;

describe("a deployment fails", () => {
  let host: TestHost;
  beforeAll(() => void (host = new TestHost()));
  afterAll(() => host.dispose());

  /** Version numbers stand for what the release does. */
  const releases: readonly Behaviour[] = [
    { version: "2026.9.100" },
    { version: "2026.9.101", prints: "canary-log-line", endsWith: 78 },
    { version: "2026.9.102", endsWith: 1, isFineOnCopy: true },
    { version: "2026.9.103", claims: "2026.9.100", endsAfterMilliseconds: 300, isFineOnCopy: true },
    { version: "2026.9.105", endsWith: 78, isFineOnCopy: true },
    { version: "2026.9.104", hangs: true },
  ];
  const deploy = (version: string) => {
    for (const each of releases) placeStandIn(host.root, "main", each);
    return host.up("main", host.describe({ basePort: PORT, version }));
  };

  it("a first deployment that fails runs nothing, and remove leaves nothing", async () => {
    const outcome = await deploy("2026.9.101");
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("did not become healthy: it ended with exit code 78");
    expect(outcome.stderr).toContain("There was no previous generation: the gateway is stopped.");
    expect(outcome.stderr).toContain("canary-log-line [secret]");
    expect(outcome.stderr).not.toContain("token-of-main");
    expect(host.current("main")).toBeUndefined();
    ok(await host.run("remove", ["main"]));
    expect(readdirSync(host.root).filter((name) => name.startsWith(".openclaw"))).toEqual([]);
  });

  it("after a later deployment fails, the previous generation runs again exactly as before", async () => {
    ok(await deploy("2026.9.100"));
    const generation = host.current("main");
    for (const [version, reason] of [
      ["2026.9.105", "it ended with exit code 78: a restart would not help"],
      ["2026.9.102", "it exited on its own 2 times"],
      ["2026.9.103", "it exited on its own 2 times"], // it answers, but as another version
    ] as const) {
      const outcome = await deploy(version);
      expect(outcome.code, version).toBe(1);
      expect(outcome.stderr).toContain(`did not become healthy: ${reason}`);
      expect(outcome.stderr).toContain("The previous generation is running again and is healthy.");
      expect([host.current("main"), host.good("main")], version).toEqual([generation, generation]);
      expect(await ask(PORT, "/startupz")).toMatchObject({ version: "2026.9.100" });
    }
  });

  it("a gateway that hangs while it stops is killed long before one with work to finish", async () => {
    ok(await deploy("2026.9.104"));
    const started = Date.now();
    ok(await deploy("2026.9.100"));
    const took = Date.now() - started;
    expect(took).toBeGreaterThan(TEST_LIMITS.EXIT_TIMEOUT_MS);
    expect(took).toBeLessThan(TEST_LIMITS.EXIT_TIMEOUT_MS + 10_000);
  });

  it("a version that the registry lacks is reported with advice, and nothing changes", async () => {
    const pid = host.gatewayPid("main");
    const { claim, spec } = host.describe({ basePort: PORT, version: "2026.9.999" });
    const outcome = await host.up("main", { claim, spec });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("npm could not install openclaw@2026.9.999");
    expect(outcome.stderr).toContain("-> check `version`: the registry does not have it");
    expect(host.gatewayPid("main")).toBe(pid);
  });
});

/** Puts another directory in the place of one, with the same owner. */
function another(path: string): void {
  const { uid, gid } = statSync(path);
  renameSync(path, `${path}.away`);
  mkdirSync(path);
  chownSync(path, uid, gid);
}

describe("a change", () => {
  const version = "2026.9.100";
  let host: TestHost;
  beforeAll(async () => {
    host = new TestHost();
    placeStandIn(host.root, "main", { version, bootMilliseconds: 500 });
    ok(await host.up("main", host.describe({ basePort: PORT, version })));
  });
  afterAll(() => host.dispose());

  it("a change that nobody waits for any more is undone: the host is never ahead of the stack's state", async () => {
    const generation = host.current("main");
    const { claim, spec } = host.describe({ basePort: PORT, version });
    const nonce = await host.stageSecrets("main", claim, {
      OPENCLAW_GATEWAY_TOKEN: "token-of-main",
      SOMETHING: "else",
    });
    for (const until of ["validating", "starting"]) {
      const front = host.start("apply", ["main", "claim-id", nonce], spec);
      await new Promise<void>((resolve) => {
        front.stderr!.on("data", (chunk: Buffer) => chunk.includes(until) && resolve());
      });
      front.kill("SIGKILL");
      await eventually(`undone after ${until}`, 30, async () => {
        if (host.current("main") !== generation || host.good("main") !== generation) return false;
        return (await host.run("claim", ["main"], claim)).code === 0 && (await ask(PORT, "/startupz"));
      });
      expect(readdirSync(join(host.dir("main"), "jobs")).length).toBeGreaterThan(0);
    }
    ok(await host.run("apply", ["main", "claim-id", nonce], spec)); // ordered again, it goes through
    expect(host.current("main")).not.toBe(generation);
  });

  it("a change goes through after the clock jumped back, with jobs dated in the future", async () => {
    const jobs = join(host.dir("main"), "jobs");
    for (let n = 0; n < 8; n++) mkdirSync(join(jobs, `2999-01-01T00-00-0${n}-000Z-1`));
    mkdirSync(join(jobs, "00000990-1"));
    for (const channel of ["stable", "beta"])
      ok(await host.up("main", host.describe({ basePort: PORT, version, config: { update: { channel } } })));
    const left = readdirSync(jobs);
    expect(left).toHaveLength(5);
    expect(left).toEqual(
      expect.arrayContaining([expect.stringMatching(/^00000992-/), expect.stringMatching(/^00000991-/)]),
    );
  });

  it("a release from before package locks counts for the first lock; another lock installs again", async () => {
    const { claim, spec } = host.describe({ basePort: PORT, version });
    const nonce = await host.stageSecrets("main", claim, { OPENCLAW_GATEWAY_TOKEN: "token-of-main" });
    const apply = (packages: string): Promise<Outcome> =>
      host.run("apply-locked", ["main", "claim-id", nonce, packageLockId(packages)], spec);
    ok(await host.run("apply", ["main", "claim-id", nonce], spec));
    const [first, second] = [packageLockOf("first"), packageLockOf("second")];
    expect(ok(await apply(first)).stdout).toContain("already healthy");
    const pid = host.gatewayPid("main");
    // Nobody has brought it.
    expect((await apply(second)).stderr).toMatch(
      /the lock of openclaw@\S+ that this deployment needs is not on this host/,
    );
    await host.stageLock("main", claim, version, second);
    const releases = join(host.dir("main"), "releases");
    cpSync(join(releases, version), join(releases, `${version}-${packageLockId(second)}`), { recursive: true });
    expect(host.gatewayPid("main")).toBe(pid);
    expect(ok(await apply(second)).stdout).toContain("now healthy");
    expect(isRunning(pid)).toBe(false);
    expect(readdirSync(releases).sort()).toEqual([`${version}-${packageLockId(second)}`, `${version}.lock.json`]);
    rmSync(join(releases, `${version}.lock.json`));
    expect(ok(await apply(second)).stdout).toContain("already healthy");
    placeStandIn(host.root, "main", { version });
    ok(await host.run("apply", ["main", "claim-id", nonce], spec));
  });

  it.each([
    ["removed", (stateDir: string) => rmSync(stateDir, { recursive: true })],
    ["another one", another],
    ["emptied", (stateDir: string) => rmSync(join(stateDir, "state"), { recursive: true })],
  ])("a change repairs a gateway whose state directory is %s, and which counts as unhealthy", async (what, lose) => {
    const { claim, spec } = host.describe({ basePort: PORT, version });
    const nonce = await host.stageSecrets("main", claim, { OPENCLAW_GATEWAY_TOKEN: "token-of-main" });
    const apply = async (): Promise<string> => ok(await host.run("apply", ["main", "claim-id", nonce], spec)).stdout;
    await apply();
    expect(await apply()).toContain("already healthy");
    lose(claim.stateDir);
    expect(isLost(host.layout, { ...claim, id: "main" })).toBe(what !== "another one");
    expect(ok(await host.run("health", ["main"])).stdout).toBe("unhealthy\n");
    expect(await apply()).toContain("now healthy");
    expect(existsSync(join(claim.stateDir, STATE_OWNER_FILE))).toBe(true);
    expect(await apply()).toContain("already healthy");
    rmSync(`${claim.stateDir}.away`, { recursive: true, force: true });
  });

  it("a change replaces a gateway that kept running after our directory was removed", async () => {
    const gateway = host.describe({ basePort: PORT, version });
    ok(await host.up("main", gateway));
    const former = [host.supervisorPid("main"), host.gatewayPid("main")];
    rmSync(host.manage, { recursive: true });
    const claim = { ...gateway.claim, id: "main" };
    expect(isLost(host.layout, claim)).toBe(true);
    expect(findConflicts(host.layout, [claim])).toEqual([[]]);
    host.setUp();
    ok(await host.run("claim", ["main"], gateway.claim));
    expect(isLost(host.layout, claim)).toBe(false);
    placeStandIn(host.root, "main", { version });
    expect(ok(await host.up("main", gateway)).stdout).toContain("now healthy");
    expect(former.map(isRunning)).toEqual([false, false]);
    expect(ok(await host.run("health", ["main"])).stdout).toBe("healthy\n");
  });

  it("a change goes through where the agent has replaced the owner mark by a directory", async () => {
    const gateway = host.describe({ basePort: PORT, version });
    const mark = join(gateway.claim.stateDir, STATE_OWNER_FILE);
    rmSync(mark);
    mkdirSync(join(mark, "sub"), { recursive: true });
    ok(await host.up("main", gateway));
    expect(JSON.parse(readFileSync(mark, "utf8"))).toMatchObject({ released: false });
  });

  it("a change of directories keeps the gateway's identity and the old data", async () => {
    const moved = host.describe({
      basePort: PORT,
      version,
      stateDir: join(host.root, "state"),
      workspace: join(host.root, "work"),
    });
    const first = ok(await host.run("claim", ["main"], host.describe({ basePort: PORT, version }).claim)).stdout;
    ok(await host.up("main", moved));
    expect(ok(await host.run("claim", ["main"], moved.claim)).stdout).toBe(first);
    expect(readdirSync(host.root)).toEqual(expect.arrayContaining([".openclaw", "state", "work"]));
    expect(JSON.parse(readFileSync(join(host.root, ".openclaw", STATE_OWNER_FILE), "utf8"))).toMatchObject({
      released: true,
    });
  });

  it("a renamed gateway is not removed by the resource that owned it before", async () => {
    ok(await host.run("remove", ["main", "a former name"]));
    expect(await ask(PORT, "/startupz")).toMatchObject({ ok: true });
  });
});

describe("main and rescue as one unit", () => {
  const version = "2026.9.100";
  let host: TestHost;
  beforeAll(() => void (host = new TestHost()));
  afterAll(() => host.dispose());

  const args = (id: string, force: boolean) => ({
    profile: id === "main" ? "default" : id,
    basePort: id === "main" ? PORT : PORT + 111,
    version,
    force,
  });
  /** With another variable it needs another process. */
  const up = (id: string, variable: string, force = false) => {
    placeStandIn(host.root, id, { version });
    const partner = id === "main" ? "rescue" : "main";
    return host.up(id, host.describe(args(id, force), { partner }), { SOMETHING: variable });
  };
  const downAtOnce = (): Promise<boolean> =>
    Promise.all([ask(PORT, "/startupz"), ask(PORT + 111, "/startupz")]).then(([main, rescue]) => !main && !rescue);

  it("main and rescue come up, and are changed one after the other", async () => {
    for (const outcome of await Promise.all([up("main", "stable"), up("rescue", "stable")])) ok(outcome);
    let changing = true;
    const watch = (async () => {
      let bothDown = 0;
      for (; changing; await new Promise((next) => setTimeout(next, 20))) if (await downAtOnce()) bothDown++;
      return bothDown;
    })();
    const outcomes = await Promise.all([up("main", "beta"), up("rescue", "beta")]);
    changing = false;
    for (const outcome of outcomes) ok(outcome);
    expect(await watch).toBe(0);
  });

  it("neither gateway is taken down during the other's turn", async () => {
    const turn = holdLock(join(host.manage, "locks", "take-down.sqlite"));
    try {
      await once(turn.stdout!, "data");
      const pids = [host.gatewayPid("main"), host.gatewayPid("rescue")];
      const changes = Promise.all([up("main", "extended-stable"), up("rescue", "extended-stable")]);
      for (const id of ["main", "rescue"])
        await eventually(`${id} waits`, 20, () => progressOf(id).includes("waiting for its turn to restart"));
      expect([host.gatewayPid("main"), host.gatewayPid("rescue")]).toEqual(pids);
      turn.kill("SIGKILL");
      for (const outcome of await changes) ok(outcome);
    } finally {
      turn.kill("SIGKILL");
    }
  });

  /** What the latest deployment of a gateway has said; it may have said nothing yet. */
  function progressOf(id: string): string {
    const jobs = join(host.dir(id), "jobs");
    const progress = join(jobs, readdirSync(jobs).sort().at(-1)!, "progress.log");
    return existsSync(progress) ? readFileSync(progress, "utf8") : "";
  }

  it("a healthy gateway is not taken down while the other is unhealthy, unless forced", async () => {
    const [supervisor, gateway, main] = [
      host.supervisorPid("rescue"),
      host.gatewayPid("rescue"),
      host.gatewayPid("main"),
    ];
    for (const pid of [supervisor, gateway]) process.kill(pid, "SIGKILL");
    await eventually("rescue is gone", 5, () => !isRunning(gateway));
    const outcome = await up("main", "stable");
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(
      /the partner gateway rescue is not healthy.*nothing was changed\n.*repair rescue first/,
    );
    expect(host.gatewayPid("main")).toBe(main);
    ok(await up("main", "stable", true));
    expect(host.gatewayPid("main")).not.toBe(main);
  });

  it("an unhealthy gateway may always be repaired, and a change that waits for it continues", async () => {
    // rescue is still down from the test before
    const outcomes = await Promise.all([up("main", "dev"), up("rescue", "dev")]);
    for (const outcome of outcomes) ok(outcome);
    expect(await downAtOnce()).toBe(false);
  });
});

/** Another process that has a lock of the host program, and says so, until it is killed. */
function holdLock(path: string): ChildProcess {
  const hold = `const { DatabaseSync } = require("node:sqlite");
    const database = new DatabaseSync(${JSON.stringify(path)});
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    console.log("held");
    setInterval(() => database, 1000);`;
  return spawn(seedNode, ["-e", hold], { stdio: ["ignore", "pipe", "ignore"] });
}

it.runIf(process.getuid!() === 0)(
  "an install script runs as an account of its own, and leaves nothing behind",
  async () => {
    const host = new TestHost();
    try {
      const { claim } = host.describe({ basePort: PORT });
      ok(await host.run("setup", [], { ...host.layout, push: true }));
      ok(await host.run("claim", ["main"], claim));
      const release = join(host.dir("main"), "releases/2026.9.100");
      mkdirSync(join(release, ".."));
      // A handle of the release, kept open for ever.
      const keep = "(exec 3>>planted; echo $$ >&3; sleep 999) >/dev/null 2>&1 &";
      sendStandIn(host.root, "main", "2026.9.100", `id -u >builder; ${keep} sleep 0.2`);
      expect(ok(await host.run("prepare", ["main", "2026.9.100"])).stdout).toBe("absent\n");
      const builder = Number(readFileSync(join(release, "node_modules/openclaw/builder"), "utf8"));
      expect(existsSync(join(release, "node_modules/openclaw/planted"))).toBe(true);
      expect(builder).not.toBe(0);
      expect(builder).not.toBe(statSync(claim.stateDir).uid);
      expect(ownersOfProcesses()).not.toContain(builder);
      expect(execFileSync("find", [release, "!", "-user", "root"], { encoding: "utf8" })).toBe("");
    } finally {
      await host.dispose();
    }
  },
);
