/**
 * A pair of real OpenClaw Gateways as services of a real host. What changes it is rootStack's; a user's services are
 * sshHost's, with real ones in `make soak`.
 */
import { afterAll, beforeAll, vi } from "vitest";
import { QUICK } from "../support/engine";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { openclawLayer } from "./layers";
import { downRow, fenceRow, upRows } from "./pairRows";
import { PairOn } from "./stacks";
import { withRealGateways } from "../support/oneAtATime";

inLab("OpenClaw over SSH", () => {
  withRealGateways();
  let lab: Lab;
  let pair: PairOn;
  beforeAll(async () => {
    vi.stubEnv(QUICK, "");
    lab = await Lab.start();
    const layers = [await openclawLayer("main", "rescue")];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers }), "root");
  });
  afterAll(async () => {
    await pair?.dispose();
    await lab?.stop();
  });

  upRows(() => pair);
  fenceRow(() => pair);
  downRow(() => pair);
});
