/** Main and rescue through many changes, good and bad: sampled on their host, never both down because of us. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REFUSED_LATER } from "../support/engine";
import { ok } from "../support/hosts";
import { VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { SLOW_BOOT_MILLISECONDS, slowLayer } from "./layers";
import { seeded } from "../support/seeded";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

/** Changes of one gateway each, two in an `up`. */
const CHANGES = isSoak ? 24 : 16;
const GATEWAYS = ["main", "rescue"] as const;
const SAMPLES = "/root/samples";
/** No gateway comes back sooner than this: the real one takes longer. */
const SHORTEST_RESTART_MILLISECONDS = SLOW_BOOT_MILLISECONDS;

/** Writes down every 50 ms which gateways are ready. It waits for no answer before it asks again. */
const SAMPLER = `
const fs = require("fs");
const ready = (port) => fetch("http://127.0.0.1:" + port + "/readyz", { signal: AbortSignal.timeout(2000) })
  .then((r) => r.json()).then((b) => b.ready === true).catch(() => false);
setInterval(async () => {
  const asked = Date.now();
  const both = await Promise.all([ready(${MAIN_PORT}), ready(${RESCUE_PORT})]);
  fs.appendFileSync("${SAMPLES}", asked + " " + both.map(Number).join("") + "\\n");
}, 50);`;

/** Releases besides that which runs: one that ends at once, one that dies when it has migrated the state, and a good one. */
const RELEASES = {
  broken: { version: "2026.9.101", endsWith: 78 },
  dies: { version: "2026.9.102", schema: 2, diesMigrated: true },
  version: { version: "2026.9.103" },
} as const;

/** Each change of a gateway is one of these, by turns, so that each meets each. */
const KINDS = ["live", "restart", "refused", "process", "broken", "version", "dies"] as const;
type Kind = (typeof KINDS)[number];
/** Of these the gateway answers all the time: the broken release is found on a copy of its state. */
const WITHOUT_PAUSE: readonly Kind[] = ["live", "refused", "broken"];
const FAILS: readonly Kind[] = ["refused", "broken", "dies"];

inLab("main and rescue", () => {
  let lab: Lab;
  let pair: PairOn;
  beforeAll(async () => {
    lab = await Lab.start();
    const layers = [await slowLayer(...GATEWAYS)];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers }), "root");
    ok(await pair.stack.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await lab?.stop();
  });

  /** There and back: the release of before is still there. */
  const runs: Record<string, string> = { main: VERSION, rescue: VERSION };
  const random = seeded(20261123);

  async function change(gateway: string, kind: Kind): Promise<void> {
    const { stack } = pair;
    const number = 100 + Math.floor(random() * 1000);
    const config = `${gateway}.config`;
    stack.config(`${config}.agents.defaults.timeoutSeconds`, kind === "refused" ? REFUSED_LATER : String(number));
    if (kind === "restart") stack.config(`${config}.gateway.controlUi.basePath`, `/turn-${number}`);
    if (kind === "process") stack.config(`${gateway}.maxOldSpaceSize`, String(1000 + number));
    if (kind === "version") runs[gateway] = runs[gateway] === VERSION ? RELEASES.version.version : VERSION;
    if (kind in RELEASES) await pair.release(gateway, RELEASES[kind as keyof typeof RELEASES]);
    if (kind !== "broken" && kind !== "dies") stack.config(`${gateway}.version`, runs[gateway]!);
  }

  it(`${CHANGES} changes: one of them is ready in every sample`, { timeout: CHANGES * 60_000 }, async () => {
    const { host, stack } = pair;
    ok(await host.run("cat > /root/sampler.cjs", { input: SAMPLER }));
    ok(
      await host.run(
        `systemd-run -q --unit sampler sh -c 'exec ${pair.root}/.pulumi-openclaw/nodes/*/bin/node /root/sampler.cjs'`,
      ),
    );
    const made = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
    const ups: { readonly kinds: readonly Kind[]; readonly from: number; readonly to: number }[] = [];
    for (let count = 0; count < CHANGES;) {
      const kinds: Kind[] = [];
      for (const gateway of GATEWAYS) {
        const kind = KINDS[count++ % KINDS.length]!;
        await change(gateway, kind);
        kinds.push(kind);
        made[kind]++;
      }
      const from = Date.now();
      const { code, stdout } = await stack.up();
      ups.push({ kinds, from, to: Date.now() });
      expect(code === 0, stdout).toBe(!kinds.some((kind) => FAILS.includes(kind)));
      if (code !== 0) expect(stdout).toMatch(/did not come into force|did not become healthy|does not start on a copy/);
    }
    ok(await host.run("systemctl stop sampler"));
    for (const count of Object.values(made)) expect(count).toBeGreaterThan(0);

    const samples = readFileSync(join(host.rootDirectory, SAMPLES), "utf8").trim().split("\n").sort();
    GATEWAYS.forEach((gateway, column) => {
      for (const { kinds, from, to } of ups.filter(({ kinds }) => WITHOUT_PAUSE.includes(kinds[column]!))) {
        const during = samples.filter((line) => Number(line.split(" ")[0]) > from && Number(line.split(" ")[0]) < to);
        const failed = during.filter((line) => line.split(" ")[1]![column] !== "1");
        expect({ gateway, kinds, failed }).toEqual({ gateway, kinds, failed: [] });
      }
    });
    const times = samples.map((line) => Number(line.split(" ")[0]));
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1]!;
    const hertz = (1000 * gaps.length) / (times.at(-1)! - times[0]!);
    const largest = Math.max(...gaps);
    console.log(made, `${samples.length} samples, ${hertz.toFixed(1)} Hz, median gap ${median} ms, largest ${largest}`);
    expect(hertz).toBeGreaterThan(10);
    expect(median).toBeLessThan(100);
    expect(largest).toBeLessThan(SHORTEST_RESTART_MILLISECONDS);

    expect(samples.some((line) => line.endsWith("01"))).toBe(true); // main was changed, and sampled while it was down
    expect(samples.some((line) => line.endsWith("10"))).toBe(true);
    expect(samples.filter((line) => line.endsWith("00"))).toEqual([]);
  });
});
