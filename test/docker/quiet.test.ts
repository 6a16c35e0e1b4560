/** Rows that sample what happens meanwhile: they want a quiet machine. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { pause } from "../lab/commands";
import { ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { inDocker } from "./inDocker";
import { answer, DockerPair, PORTS, type Gateway } from "./pairs";

const GATEWAYS: readonly Gateway[] = ["main", "rescue"];

inDocker("a pair in containers", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
    pair = await DockerPair.ofStandIns(dockerd);
    ok(await pair.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await dockerd?.stop();
  });

  it("one gateway of a pair is always up while both change", async () => {
    const outputs = await pair.stack.outputs();
    const asked = async (gateway: Gateway): Promise<boolean> =>
      (await answer(PORTS[gateway], outputs[`${gateway}Token`] as string)) === VERSION;
    for (const gateway of GATEWAYS) pair.args[gateway].config = { update: { channel: "beta" } };
    const before = await pair.ids();
    const samples: boolean[][] = [];
    const change = pair.up();
    let isOver = false;
    void change.finally(() => (isOver = true));
    for (; !isOver; await pause(40)) samples.push(await Promise.all(GATEWAYS.map(asked)));
    ok(await change);
    expect(samples.length).toBeGreaterThan(50);
    const after = await pair.ids();
    for (const gateway of GATEWAYS) expect(after[pair.name(gateway)]).not.toBe(before[pair.name(gateway)]);
    expect(samples.filter(([main, rescue]) => !main && !rescue)).toEqual([]);
  });
});
