/** Pairs of real OpenClaw Gateways as services of real hosts: each kind of unit. What changes them is sshHost's and rootStack's. */
import { afterAll, beforeAll, describe, vi } from "vitest";
import { QUICK } from "../support/engine";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { openclawLayer, userLayer, userOpenclawLayer } from "./layers";
import { downRow, fenceRow, upRows } from "./pairRows";
import { PairOn } from "./stacks";

inLab("OpenClaw over SSH", () => {
  let lab: Lab;
  beforeAll(async () => {
    vi.stubEnv(QUICK, "");
    lab = await Lab.start();
  });
  afterAll(() => lab?.stop());

  describe.each([
    ["root", "bookworm", [() => openclawLayer("main", "rescue")]],
    // Beside a stand-in: a user's units are the same for both.
    ["plain user", "trixie", [() => userOpenclawLayer("main"), () => userLayer("rescue")]],
  ] as const)("a pair of %s on %s", (who, debian, made) => {
    let pair: PairOn;
    beforeAll(async () => {
      const layers = await Promise.all(made.map((make) => make()));
      pair = await PairOn.create(lab, await lab.host({ debian, layers }), who);
    });
    afterAll(() => pair?.dispose());

    upRows(() => pair);
    if (who === "root") fenceRow(() => pair);
    downRow(() => pair);
  });
});
