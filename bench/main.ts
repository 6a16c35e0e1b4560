/**
 * How long this package's operations take, each beside the least that it could be, in the same rounds: `make bench`.
 * On hosts of the tests' lab and on their Docker engine, so as root on Linux. Goals are reported, nothing fails for them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { NODE_VERSION, NPM_VERSION } from "../model/pins";
import { OLDEST_VERSION } from "../model/versions";
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
const UPGRADE_ROUNDS = 3;
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

async function watching(pair: PairOn, action: () => Promise<Outcome>): Promise<Watched> {
  const watch = pair.host.inside(`exec ${pair.root}/.pulumi-openclaw/nodes/*/bin/node -`, { input: WATCH });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const took = await timed(action());
  await eventually("main is ready", 120, async () => (await pair.ask(18789, "/readyz"))?.ready === true);
  ok(await pair.host.inside("touch /run/bench.stop"));
  return { ...(JSON.parse(ok(await watch).stdout) as Omit<Watched, "took">), took };
}

/** From the oldest supported release to the newest, by ours with a way back; by hand, npm installs it while the gateway is down. */
async function upgrade(lab: Lab): Promise<Row[]> {
  const pair = await PairOn.create(lab, await lab.host({ debian: "bookworm" }), "root");
  const { stack, root } = pair;
  try {
    const all: Watched[] = [];
    const to = (version: string, restoreFrom?: string): Promise<Outcome> => {
      stack.config("main.version", version);
      if (restoreFrom !== undefined) stack.config("main.restoreFrom", restoreFrom);
      return stack.up();
    };
    const lastPoint = async (): Promise<string> => {
      const { gateways } = (await stack.outputs()) as { gateways: readonly { recoveryPoints: readonly string[] }[] };
      return gateways[0]!.recoveryPoints.find((id) => id.endsWith(OLDEST_VERSION))!;
    };
    const ours = async (): Promise<number> => {
      all.push(await watching(pair, () => to(VERSION)));
      ok(await to(OLDEST_VERSION, await lastPoint()));
      return all.at(-1)!.down;
    };
    const npm = `node ${root}/.pulumi-openclaw/npm/bin/npm-cli.js --registry ${lab.registryUrl} --no-audit --no-fund --loglevel=error`;
    const byHand = [
      "systemctl stop openclaw-gateway; rm -rf /opt/byhand",
      `PATH=$(echo ${root}/.pulumi-openclaw/nodes/*/bin):$PATH ${npm} install -g --prefix /opt/byhand openclaw@${VERSION} >/dev/null`,
      "systemctl start openclaw-gateway",
    ].join("; ");
    const theirs = async (): Promise<number> => (await watching(pair, () => pair.run(byHand))).down;
    ok(await to(OLDEST_VERSION));
    const times = await byTurns(UPGRADE_ROUNDS, ours, theirs);
    return [
      {
        what: `main's downtime: ${OLDEST_VERSION} to ${VERSION}`,
        ...times,
        than: "stop, npm install -g, start, by hand",
        goal: { text: "≤ 0.8 ×", isMet: ratio(times.ours, times.theirs) <= 0.8 },
      },
      { what: `up, end to end: ${OLDEST_VERSION} to ${VERSION}`, ours: all.map(({ took }) => took) },
    ];
  } finally {
    await pair.dispose();
  }
}

/** OpenClaw itself takes seconds longer for its first start with another configuration: its migrations look again. */
async function change(pair: PairOn, telegram: FakeTelegram): Promise<Row[]> {
  const { stack } = pair;
  const watched = (action: () => Promise<Outcome>): Promise<Watched> => watching(pair, action);
  let made = 0;
  /** By hand, as it was before a configuration was live; without an edit, which the next `up` would have to put right. */
  const restart = async (): Promise<number> => (await watched(() => pair.systemctl("restart openclaw-gateway"))).down;
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

/** Those that are named on the command line; none: all of them. */
const PARTS = ["first", "unchanged", "change", "upgrade", "growth", "containers"] as const;
const named = process.argv.slice(2);
const isWanted = (part: (typeof PARTS)[number]): boolean => !named.length || named.includes(part);

async function onHosts(lab: Lab): Promise<Row[]> {
  const rows: Row[] = [];
  if ((["first", "unchanged", "change"] as const).some(isWanted)) {
    const first = isWanted("first") ? await firstUp(lab) : undefined;
    const pair = first?.pair ?? (await PairOn.create(lab, await lab.host({ debian: "bookworm" }), "root"));
    const telegram = await FakeTelegram.start(BOTS, BRIDGE_ADDRESS);
    try {
      if (first) rows.push(first.row);
      else ok(await pair.stack.up());
      if (isWanted("unchanged")) rows.push(...(await noOp(pair)));
      if (isWanted("change")) rows.push(...(await change(pair, telegram)));
    } finally {
      await pair.dispose();
      await telegram.stop();
    }
  }
  if (isWanted("upgrade")) rows.push(...(await upgrade(lab)));
  if (isWanted("growth")) rows.push(...(await growth(lab)));
  return rows;
}

async function main(): Promise<void> {
  const wrong = named.find((name) => !PARTS.includes(name as (typeof PARTS)[number]));
  if (wrong !== undefined) throw new Error(`there is no part ${wrong}: ${PARTS.join(", ")}`);
  const lab = await Lab.start();
  try {
    print([...(await onHosts(lab)), ...(isWanted("containers") ? await inContainers() : [])]);
    console.log(`\nMedians of the rounds, on ${cpus().length} cores; ratio: median of the rounds' ratios.`);
  } finally {
    await lab.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
