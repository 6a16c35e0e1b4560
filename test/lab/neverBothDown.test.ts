/** Main and rescue through many changes, good and bad: sampled on their host, never both down because of us. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ok } from "../support/hosts";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { seeded } from "./seeded";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

/** Changes of one gateway each; `make soak` makes more. */
const CHANGES = Number(process.env.SOAK_CHANGES ?? 6);
const SAMPLES = "/root/samples";

/** Writes one line every 50 ms at most: when, and which gateways are ready. */
const SAMPLER = `
const fs = require("fs");
const ready = (port) => fetch("http://127.0.0.1:" + port + "/readyz", { signal: AbortSignal.timeout(1000) })
  .then((r) => r.json()).then((b) => b.ready === true).catch(() => false);
(async () => {
  for (;;) {
    const started = Date.now();
    const both = await Promise.all([ready(${MAIN_PORT}), ready(${RESCUE_PORT})]);
    fs.appendFileSync("${SAMPLES}", started + " " + both.map(Number).join("") + "\\n");
    await new Promise((next) => setTimeout(next, 50));
  }
})();`;

inLab("main and rescue", () => {
  let lab: Lab;
  let pair: PairOn;
  beforeAll(async () => {
    lab = await Lab.start();
    const layers = [await rootLayer("main", "rescue")];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers }), "root");
    ok(await pair.stack.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await lab?.stop();
  });

  it(`${CHANGES} changes: one of them is ready in every sample`, async () => {
    const { host, stack } = pair;
    ok(await host.run("cat > /root/sampler.cjs", { input: SAMPLER }));
    ok(
      await host.run(
        `systemd-run -q --unit sampler sh -c 'exec ${pair.root}/.pulumi-openclaw/nodes/*/bin/node /root/sampler.cjs'`,
      ),
    );
    const random = seeded(20261123);
    let refused = 0;
    for (let made = 0; made < CHANGES; made += 2) {
      const isBad = random() < 0.3;
      for (const gateway of ["main", "rescue"])
        await stack.config(
          `${gateway}.config.agents.defaults.timeoutSeconds`,
          isBad ? "-1" : String(100 + Math.floor(random() * 1000)),
        );
      const outcome = await stack.up();
      if (isBad) expect(outcome.code).not.toBe(0);
      else ok(outcome);
      if (isBad) refused++;
    }
    console.log(`${CHANGES} changes, ${2 * refused} of them refused`);
    ok(await host.run("systemctl stop sampler"));
    const samples = readFileSync(join(host.rootDirectory, SAMPLES), "utf8").trim().split("\n");
    expect(samples.length).toBeGreaterThan(50);
    expect(samples.some((line) => line.endsWith("01"))).toBe(true); // main was changed, and sampled while it was down
    expect(samples.some((line) => line.endsWith("10"))).toBe(true);
    expect(samples.filter((line) => line.endsWith("00"))).toEqual([]);
  });
});
