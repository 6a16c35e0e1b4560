/**
 * How long this package's operations take, each beside the least that it could be, in the same rounds: `make bench`.
 * On hosts of the tests' lab and on their Docker engine, so as root on Linux. Goals are reported, nothing fails for them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { NODE_VERSION, NPM_VERSION } from "../model/pins";
import { TestStack } from "../test/support/engine";
import { eventually, ok, type Outcome } from "../test/support/processes";
import { VERSION } from "../test/support/seed";
import { FakeTelegram } from "../test/support/telegram";
import type { Host } from "../test/lab/host";
import { Lab } from "../test/lab/lab";
import { BRIDGE_ADDRESS } from "../test/lab/network";
import { PairOn } from "../test/lab/stacks";
import type { GatewaysSetup } from "./programs/gateways";
import { inContainers } from "./containers";
import { byTurns, say, timed } from "./rounds";
import { difference, median, print, ratio, type Row } from "./table";

const FIRST_UP_ROUNDS = 2;
const ROUNDS = 5;
const BOTS = ["4711:bench-bot-a", "4711:bench-bot-b"];
const GATEWAYS = [1, 2, 5, 10];
const HOSTS = [1, 5];

const emptyStack = (): Promise<TestStack> => TestStack.create(join(__dirname, "programs/empty.ts"));

/** Returns the row, and the last pair, which goes on. */
async function firstUp(lab: Lab): Promise<{ row: Row; pair: PairOn }> {
  const floor = readFileSync(join(__dirname, "floor.sh"), "utf8");
  let pair: PairOn | undefined;
  const fresh = (): Promise<Host> => lab.host({ debian: "bookworm" });
  const script = async (): Promise<number> => {
    const host = await fresh();
    const words = [lab.registryUrl, NODE_VERSION, NPM_VERSION, VERSION].join(" ");
    const seconds = await timed(host.run(`sh -s -- ${words}`, { input: floor }));
    await host.dispose();
    say(`first up: the script ${seconds.toFixed(1)} s`);
    return seconds;
  };
  const up = async (): Promise<number> => {
    await pair?.dispose();
    pair = await PairOn.create(lab, await fresh(), "root");
    const seconds = await timed(pair.stack.up());
    say(`first up: ours ${seconds.toFixed(1)} s`);
    return seconds;
  };
  await script(); // the registry's documents are there from now on
  const times = await byTurns(FIRST_UP_ROUNDS, up, script);
  const isMet = ratio(times.ours, times.theirs) <= 1.15;
  const row = {
    what: "first up of a pair on a bare host",
    ...times,
    than: "a shell script that does the same",
    goal: { text: "≤ 1.15 ×", isMet },
  };
  return { row, pair: pair! };
}

async function noOp({ stack }: PairOn): Promise<Row[]> {
  const empty = await emptyStack();
  try {
    ok(await empty.up());
    const rows: Row[] = [];
    for (const operation of ["up", "preview"] as const) {
      const times = await byTurns(
        ROUNDS,
        () => timed(stack[operation]()),
        () => timed(empty[operation]()),
      );
      const isMet = difference(times.ours, times.theirs) <= 1.2;
      const goal = { goal: { text: "≤ + 1.0 s + 0.1 s per gateway", isMet } };
      rows.push({
        what: `${operation} of an unchanged pair`,
        ...times,
        than: "an empty program",
        ...(operation === "preview" && goal),
      });
      say(`no-op ${operation}: done`);
    }
    return rows;
  } finally {
    await empty.dispose();
  }
}

/** Asks main's /readyz 20 times a second until it is told to stop; prints how often that failed, and for how long. */
const WATCH = `
const { existsSync, rmSync } = require("node:fs");
const ready = () => fetch("http://127.0.0.1:18789/readyz", { signal: AbortSignal.timeout(1000) })
  .then((r) => r.json()).then((b) => b.ready === true).catch(() => false);
(async () => {
  let [failed, down, since] = [0, 0];
  while (!existsSync("/run/bench.stop")) {
    const isReady = await ready();
    if (!isReady) { failed++; since ??= Date.now(); }
    else if (since !== undefined) { down += Date.now() - since; since = undefined; }
    await new Promise((next) => setTimeout(next, 50));
  }
  rmSync("/run/bench.stop");
  console.log(JSON.stringify({ failed, down: down / 1000 }));
})();`;

interface Watched {
  readonly failed: number;
  /** Seconds without a good answer. */
  readonly down: number;
  /** Seconds that the action took. */
  readonly took: number;
}

/** OpenClaw itself takes seconds longer for its first start with another configuration: its migrations look again. */
async function change(pair: PairOn, telegram: FakeTelegram): Promise<Row[]> {
  const { stack } = pair;
  const watched = async (action: () => Promise<Outcome>): Promise<Watched> => {
    const watch = pair.host.inside(`exec ${pair.root}/.pulumi-openclaw/nodes/*/bin/node -`, { input: WATCH });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const took = await timed(action());
    await eventually("main is ready", 60, async () => (await pair.ask(18789, "/readyz"))?.ready === true);
    ok(await pair.host.inside("touch /run/bench.stop"));
    return { ...(JSON.parse(ok(await watch).stdout) as Omit<Watched, "took">), took };
  };
  let made = 0;
  /** By hand, as it was before a configuration was live. */
  const restart = async (): Promise<number> => {
    const file = `${pair.root}/.pulumi-openclaw/gateways/main/current/openclaw.json`;
    ok(await pair.host.run(`sed -i 's/"timeoutSeconds": [0-9]*/"timeoutSeconds": ${2000 + made++}/' ${file}`));
    return (await watched(() => pair.systemctl("restart openclaw-gateway"))).down;
  };
  const measure = async (what: string, set: (turn: number) => unknown, limit?: number): Promise<Row[]> => {
    const all: Watched[] = [];
    const ours = async (): Promise<number> => {
      await set(made++);
      all.push(await watched(() => stack.up()));
      return all.at(-1)!.down;
    };
    const times = await byTurns(ROUNDS, ours, restart);
    const failed = all.reduce((sum, each) => sum + each.failed, 0);
    say(`${what}: ${failed} failed samples in ${all.length} rounds`);
    const isMet = limit === undefined ? failed === 0 : ratio(times.ours, times.theirs) <= limit;
    return [
      {
        what: `main's downtime: ${what}`,
        ...times,
        than: "a change by hand, systemctl restart",
        goal: { text: limit === undefined ? "no failed sample" : `≤ ${limit} ×`, isMet },
      },
      { what: `up, end to end: ${what}`, ours: all.map(({ took }) => took) },
    ];
  };
  stack.config("main.telegram.apiRoot", telegram.apiRoot);
  stack.config("main.telegram.allowFrom[0]", "4242");
  stack.config("main.config.agents.defaults.timeoutSeconds", "999");
  await stack.secretConfig("main.telegram.botToken", BOTS[0]!);
  ok(await stack.up());
  const unchanged: number[] = [];
  for (let round = 0; round < ROUNDS; round++) unchanged.push(await timed(stack.up()));
  return [
    { what: "up of the same, unchanged", ours: unchanged },
    ...(await measure("a key that is live", (turn) =>
      stack.config("main.config.agents.defaults.timeoutSeconds", String(1000 + turn)),
    )),
    ...(await measure("a rotated bot token", (turn) =>
      stack.secretConfig("main.telegram.botToken", BOTS[turn % BOTS.length]!),
    )),
    ...(await measure(
      "a key that needs a restart",
      (turn) => stack.config("main.config.gateway.controlUi.basePath", `/turn-${turn}`),
      0.35,
    )),
    ...(await measure("another process", (turn) => stack.config("main.maxOldSpaceSize", String(2000 + turn)), 1.1)),
  ];
}

/** Previews of what is not deployed: with the look at each host. */
async function growth(lab: Lab): Promise<Row[]> {
  const stack = await TestStack.create(join(__dirname, "programs/gateways.ts"));
  const empty = await emptyStack();
  const hosts: Host[] = [];
  try {
    for (let index = 0; index < Math.max(...HOSTS); index++) hosts.push(await lab.host({ debian: "bookworm" }));
    const file = join(stack.directory, "setup.json");
    stack.env = { ...stack.env, SETUP: file };
    const preview = (hostCount: number, gatewaysOfEach: number) => async (): Promise<number> => {
      const known = hosts.slice(0, hostCount).map(({ address, hostKey }) => ({ address, hostKey }));
      const setup: GatewaysSetup = {
        privateKey: lab.privateKey,
        registry: lab.registryUrl,
        hosts: known,
        gatewaysOfEach,
      };
      writeFileSync(file, JSON.stringify(setup), { mode: 0o600 });
      return timed(stack.preview());
    };
    const rows: Row[] = [];
    const measure = async (what: string, hostCount: number, gatewaysOfEach: number): Promise<void> => {
      const times = await byTurns(3, preview(hostCount, gatewaysOfEach), () => timed(empty.preview()));
      rows.push({ what, ...times, than: "an empty program" });
      say(`${what}: done`);
    };
    for (const count of GATEWAYS) await measure(`preview, new gateways on one host: ${count}`, 1, count);
    for (const count of HOSTS) await measure(`preview, hosts with a new pair each: ${count}`, count, 2);
    const [one, ten] = [rows[0]!.ours, rows[GATEWAYS.length - 1]!.ours];
    say(`each further gateway: ${((median(ten) - median(one)) / (Math.max(...GATEWAYS) - 1)).toFixed(3)} s`);
    return rows;
  } finally {
    for (const each of [stack, empty]) await each.dispose();
    for (const host of hosts) await host.dispose();
  }
}

async function main(): Promise<void> {
  const lab = await Lab.start();
  let pair: PairOn | undefined;
  let telegram: FakeTelegram | undefined;
  try {
    const first = await firstUp(lab);
    pair = first.pair;
    telegram = await FakeTelegram.start(BOTS, BRIDGE_ADDRESS);
    const rows = [first.row, ...(await noOp(pair)), ...(await change(pair, telegram)), ...(await growth(lab))];
    await pair.dispose();
    pair = undefined;
    rows.push(...(await inContainers()));
    print(rows);
    console.log(`\nMedians of the rounds, on ${cpus().length} cores; ratio: median of the rounds' ratios.`);
  } finally {
    await pair?.dispose();
    await telegram?.stop();
    await lab.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
