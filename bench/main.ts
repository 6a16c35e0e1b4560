/**
 * How long this package's operations take, each beside the least that it could be, in the same rounds: `make bench`.
 * On hosts of the tests' lab and on their Docker engine, so as root on Linux. Goals are reported, nothing fails for them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { NODE_VERSION, NPM_VERSION } from "../model/pins";
import { TestStack } from "../test/support/engine";
import { ok, type Outcome } from "../test/support/processes";
import { VERSION } from "../test/support/seed";
import type { Host } from "../test/lab/host";
import { Lab } from "../test/lab/lab";
import { PairOn } from "../test/lab/stacks";
import type { GatewaysSetup } from "./programs/gateways";
import { inContainers } from "./containers";
import { byTurns, say, timed } from "./rounds";
import { difference, median, print, ratio, type Row } from "./table";

const FIRST_UP_ROUNDS = 2;
const ROUNDS = 5;
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

/** Prints how long /readyz of main said nothing good, from its first failure on. */
const WATCH = `
const ready = () => fetch("http://127.0.0.1:18789/readyz", { signal: AbortSignal.timeout(1000) })
  .then((r) => r.json()).then((b) => b.ready === true).catch(() => false);
(async () => {
  while (await ready()) await new Promise((next) => setTimeout(next, 10));
  const down = Date.now();
  while (!(await ready())) await new Promise((next) => setTimeout(next, 10));
  console.log((Date.now() - down) / 1000);
})();`;

/** OpenClaw itself takes seconds longer for its first start with another configuration: its migrations look again. */
async function change(pair: PairOn): Promise<Row[]> {
  const downtime = async (action: () => Promise<Outcome>): Promise<number> => {
    const watch = pair.host.inside(`exec ${pair.root}/.pulumi-openclaw/nodes/*/bin/node -`, { input: WATCH });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    ok(await action());
    return Number(ok(await watch).stdout);
  };
  const whole: number[] = [];
  let made = 0;
  const up = async (): Promise<number> => {
    pair.stack.config("main.config.agents.defaults.timeoutSeconds", String(1000 + made++));
    return downtime(async () => {
      const started = performance.now();
      const outcome = await pair.stack.up();
      whole.push((performance.now() - started) / 1000);
      return outcome;
    });
  };
  const restart = (): Promise<number> => downtime(() => pair.systemctl("restart openclaw-gateway"));
  const changeByHand = async (): Promise<number> => {
    const file = `${pair.root}/.pulumi-openclaw/gateways/main/current/openclaw.json`;
    ok(await pair.host.run(`sed -i 's/"timeoutSeconds": [0-9]*/"timeoutSeconds": ${2000 + made++}/' ${file}`));
    return restart();
  };
  const plain = await byTurns(ROUNDS, up, restart);
  const changed = await byTurns(ROUNDS, up, changeByHand);
  say("change: done");
  return [
    { what: "change of main's configuration, end to end", ours: whole },
    {
      what: "main's downtime in it",
      ...plain,
      than: "systemctl restart",
      goal: { text: "≤ 1.1 ×", isMet: ratio(plain.ours, plain.theirs) <= 1.1 },
    },
    { what: "main's downtime in it", ...changed, than: "a change by hand, systemctl restart" },
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
  try {
    const first = await firstUp(lab);
    pair = first.pair;
    const rows = [first.row, ...(await noOp(pair)), ...(await change(pair)), ...(await growth(lab))];
    await pair.dispose();
    pair = undefined;
    rows.push(...(await inContainers()));
    print(rows);
    console.log(`\nMedians of the rounds, on ${cpus().length} cores; ratio: median of the rounds' ratios.`);
  } finally {
    await pair?.dispose();
    await lab.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
