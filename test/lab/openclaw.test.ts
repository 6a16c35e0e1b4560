/** Pairs of real OpenClaw Gateways as services of real hosts: each kind of unit, on each Debian's systemd. */
import { afterAll, beforeAll, describe } from "vitest";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { openclawLayer, userOpenclawLayer } from "./layers";
import { downRow, pairRows, upRows } from "./pairRows";
import { PairOn, type Who } from "./stacks";

inLab("OpenClaw over SSH", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterAll(() => lab?.stop());

  function on(who: Who, debian: "bookworm" | "trixie", rows: (pair: () => PairOn) => void): void {
    describe(`a pair of ${who} on ${debian}`, () => {
      let pair: PairOn;
      beforeAll(async () => {
        const layer = who === "root" ? openclawLayer : userOpenclawLayer;
        pair = await PairOn.create(lab, await lab.host({ debian, layers: [await layer("main", "rescue")] }), who);
      });
      afterAll(() => pair?.dispose());
      rows(() => pair);
    });
  }

  on("root", "bookworm", pairRows);
  // That it lives under the other kind of unit. Its changes there are the stand-in's rows.
  on("plain user", "trixie", (pair) => {
    upRows(pair);
    downRow(pair);
  });
});
