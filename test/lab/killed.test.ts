/** The deployer is killed in the middle of creating, changing and destroying a pair: the next one converges. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manageDir } from "../../model/hostLayout";
import { eventually, finished, ok } from "../support/hosts";
import { longCommand, pause } from "./commands";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { isSoak } from "../support/soak";
import { seeded } from "../support/seeded";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

/**
 * Moments at which the deployer is killed: one of each operation. Every point at which the host program can die is in
 * test/crash.
 */
const MOMENTS = isSoak ? 12 : 3;
/** Each is created, changed and destroyed, on a host of its own, and each of these is killed. */
const PAIRS = Math.round(MOMENTS * 0.3);
const CHANGES = MOMENTS - 2 * PAIRS;

const GATEWAYS = ["main", "rescue"] as const;
const STATE_DIRECTORIES = [".openclaw", ".openclaw-rescue"];
const PORTS = { main: MAIN_PORT, rescue: RESCUE_PORT };

type Operation = "create" | "change" | "destroy";

inLab("a deployer that is killed", () => {
  let lab: Lab;
  let layers: string[];
  let pair: PairOn;
  beforeAll(async () => {
    lab = await Lab.start();
    layers = [await rootLayer(...GATEWAYS)];
  });
  afterAll(async () => {
    if (pair) endOrphans(pair.stack.project);
    pair?.stack.forget();
    await lab?.stop();
  });

  const random = seeded(20261123);
  /** How long each takes on this machine where nobody kills it. */
  const milliseconds: Partial<Record<Operation, number>> = {};
  const killed: Record<Operation, number> = { create: 0, change: 0, destroy: 0 };
  /** Moments that came when all was done already: others take their place. */
  let owed = 0;

  async function toNewHost(): Promise<void> {
    const host = await lab.host({ debian: "bookworm", layers });
    pair = pair?.at(host) ?? (await PairOn.create(lab, host, "root"));
    pair.stack.config("ssh.host", host.address);
    pair.stack.config("ssh.hostKey", host.hostKey);
  }

  let changes = 0;
  /** A configuration that the gateway does not have yet, and another process. */
  function nextChange(gateway: "main" | "rescue"): string {
    pair.stack.config(`${gateway}.maxOldSpaceSize`, `${1000 + changes}`);
    const channel = ["beta", "dev", "stable"][changes++ % 3]!;
    pair.stack.config(`${gateway}.config.update.channel`, channel);
    return channel;
  }

  const command = (operation: Operation): string[] => [
    operation === "destroy" ? "destroy" : "up",
    "--yes",
    "--skip-preview",
  ];

  async function measure(operation: Operation): Promise<void> {
    const started = Date.now();
    ok(await pair.stack.run(command(operation)));
    milliseconds[operation] = Date.now() - started;
  }

  /** Kills the deployer after a share of the time that it needs: pulumi alone, or with everything that it started. */
  async function kill(operation: Operation, share: number): Promise<void> {
    const started = Date.now();
    const pulumi = pair.stack.start(command(operation));
    const end = finished(pulumi);
    const delay = share * milliseconds[operation]!;
    const all = random() < 0.5;
    await Promise.race([end, pause(delay)]);
    const isAtIt = pulumi.exitCode === null;
    if (isAtIt) for (const pid of all ? family(pulumi.pid!) : [pulumi.pid!]) process.kill(pid, "SIGKILL");
    const { stdout } = await end;
    const last =
      stdout
        .match(/^ +[-+~].*/gm)
        ?.at(-1)
        ?.trim() ?? "nothing";
    console.log(`${operation}, killed after ${delay | 0} ms${all ? " with all" : ""}: ${isAtIt ? last : "too late"}`);
    if (isAtIt) killed[operation]++;
    else {
      owed++;
      milliseconds[operation] = Date.now() - started; // the machine has less to do than when it was measured
    }
    pair.stack.mendState();
    await pair.stack.run(["cancel", "--yes"]); // what pulumi advises; there is nothing to cancel where it had not begun
  }

  /** The pair is up, once, and nobody's data and tokens are lost. */
  async function expectWhole(tokens: Record<string, unknown>): Promise<void> {
    const { host, stack } = pair;
    expect(await stack.outputs()).toMatchObject(tokens);
    for (const gateway of GATEWAYS) {
      expect(await pair.ask(PORTS[gateway], "/readyz")).toMatchObject({ ready: true });
      expect(await pair.accepts(PORTS[gateway], tokens[`${gateway}Token`] as string)).toBe(true);
    }
    const pids = [await pair.pid("main"), await pair.pid("rescue")].sort();
    expect((await lines("ps -C openclaw-gatewa -o ppid=")).map(Number).sort()).toEqual(pids);
    expect(await lines("systemctl list-units --all --plain --no-legend 'openclaw*' | cut -d' ' -f1")).toEqual([
      "openclaw-gateway-rescue.service",
      "openclaw-gateway.service",
    ]);
    expect(await lines(HOST_PROGRAMS)).toEqual([]);
    expect(ok(await host.inside(`cd ${pair.root} && cat ${DATA}`)).stdout).toBe("mine\nmine\n");
    const resources = await stack.resources();
    expect(resources.toSorted()).toEqual([...new Set(resources)].sort());
  }

  const lines = async (line: string): Promise<string[]> =>
    (await pair.host.inside(line)).stdout.split("\n").filter((each) => each !== "");

  async function expectGone(): Promise<void> {
    expect(await pair.stack.resources()).toEqual([]);
    expect(await lines("systemctl list-units --all --plain --no-legend 'openclaw*'")).toEqual([]);
    expect(await lines("find /etc /usr /run -xdev -name 'openclaw*'")).toEqual([]);
    expect(await lines(`pgrep -u openclaw; ${HOST_PROGRAMS}`)).toEqual([]);
    expect((await lines(`ls -A ${pair.root}`)).sort()).toEqual(STATE_DIRECTORIES);
    expect(ok(await pair.host.inside(`cd ${pair.root} && cat ${DATA}`)).stdout).toBe("mine\nmine\n");
  }

  /** What the layers spared the host, where destroy has removed it. */
  async function seedAgain(): Promise<void> {
    // What the deployer had begun there goes on without it.
    await eventually("the end of the host's programs", 60, async () => !(await lines(HOST_PROGRAMS)).length);
    for (const path of ["nodes", "npms", ...GATEWAYS.map((id) => `gateways/${id}/releases`)]) {
      const [from, to] = [layers[0]!, pair.host.rootDirectory].map((root) => join(root, manageDir(pair.root), path));
      if (existsSync(to!)) continue;
      mkdirSync(dirname(to!), { recursive: true });
      await longCommand("cp", "-a", from!, to!);
    }
  }

  const DATA = STATE_DIRECTORIES.map((directory) => `${directory}/workspace/mine`).join(" ");
  const HOST_PROGRAMS = "pgrep -f '[h]ost.cjs (claim|stage|apply|work|remove)'";
  const leaveData = async (): Promise<void> =>
    void ok(await pair.host.inside(`cd ${pair.root} && for file in ${DATA}; do echo mine >$file; done`));

  it("an up that nobody kills takes this long", async () => {
    await toNewHost();
    await measure("create");
    nextChange("main");
    await measure("change");
    await leaveData();
    const { mainToken, rescueToken } = await pair.stack.outputs();
    await expectWhole({ mainToken, rescueToken });
    await measure("destroy");
    await expectGone();
    console.log(milliseconds);
    await pair.host.dispose();
  });

  /** The n-th share of a whole, all of them spread over it; the middle of it: the ends are nobody's moment. */
  const share = (n: number, count: number): number => 0.1 + (0.8 * (n + random())) / count;

  it.each(Array.from({ length: PAIRS }, (_, index) => index))(
    "pair %i recovers from kills during up",
    async (index) => {
      await toNewHost();
      const { stack, host } = pair;
      await kill("create", share(index, PAIRS));
      ok(await stack.up());
      await leaveData();
      const { mainToken, rescueToken } = await stack.outputs();
      await expectWhole({ mainToken, rescueToken });

      for (let n = Math.floor((index * CHANGES) / PAIRS); n < Math.floor(((index + 1) * CHANGES) / PAIRS) + owed; n++) {
        const [gateway, other] = n % 2 === 0 ? (["main", "rescue"] as const) : (["rescue", "main"] as const);
        const pid = await pair.pid(other);
        const channel = nextChange(gateway);
        await kill("change", share(n % CHANGES, CHANGES));
        expect(await pair.ask(PORTS[other], "/readyz")).toMatchObject({ ready: true });
        ok(await stack.up());
        await expectWhole({ mainToken, rescueToken });
        expect(await pair.pid(other)).toBe(pid);
        const config = ok(
          await host.inside(`cat ${pair.root}/.pulumi-openclaw/gateways/${gateway}/current/openclaw.json`),
        );
        expect(JSON.parse(config.stdout)).toMatchObject({ update: { channel } });
      }
      owed = 0;
      // Pulumi goes on warning of what was interrupted, until it is told that it is done.
      ok(await stack.run(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]));
      expect(ok(await stack.run(["stack", "export"])).stdout).not.toContain("pending_operations");
      ok(await stack.preview("--expect-no-changes"));

      // The last one early: nothing could take its place. Where an `up` comes next, before the host's program goes: Pulumi
      // would believe that it is still there, and only another destroy converges.
      const isKept = index % 3 === 0;
      await kill("destroy", isKept ? 0.1 + 0.3 * random() : share(PAIRS - 1 - index, PAIRS));
      if (isKept) {
        await seedAgain();
        ok(await stack.up());
        const { mainToken, rescueToken } = await stack.outputs();
        await expectWhole({ mainToken, rescueToken });
      }
      ok(await stack.destroy());
      await expectGone();
      endOrphans(stack.project);
      await host.dispose();
    },
  );

  it(`was killed at ${MOMENTS} moments`, () => {
    console.log(killed);
    expect(killed.create + killed.change + killed.destroy).toBeGreaterThanOrEqual(MOMENTS);
    for (const count of Object.values(killed)) expect(count).toBeGreaterThanOrEqual(PAIRS / 2);
  });
});

/** A process and all that it started, and they. */
function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

/** Pulumi's language host outlives a pulumi that is killed alone, and never ends by itself. */
function endOrphans(project: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    if (directoryOf(pid) === project) process.kill(Number(pid), "SIGKILL");
}

function directoryOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // it ended
  }
}
