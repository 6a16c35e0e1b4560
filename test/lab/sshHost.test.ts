/** A pair on real hosts with systemd, over SSH: from nothing to removed, and what happens to hosts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, ok } from "../support/hosts";
import { isSoak } from "../support/soak";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer, userLayer } from "./layers";
import { changeRows, downRow, upRows } from "./pairRows";
import { MAIN_PORT, PairOn, RESCUE_PORT, type Who } from "./stacks";

inLab("a pair over SSH", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterAll(() => lab?.stop());

  describe.each([
    ["root", "bookworm"],
    ["plain user", "trixie"],
    ["root", "trixie"],
    ["plain user", "bookworm"],
  ] as const)("a pair of %s on %s", (who: Who, debian) => {
    let pair: PairOn;
    beforeAll(async () => {
      const layers = [await (who === "root" ? rootLayer : userLayer)("main", "rescue")];
      pair = await PairOn.create(lab, await lab.host({ debian, layers }), who);
    });
    afterAll(() => pair?.dispose());

    upRows(() => pair);

    // Once as root and once as a user, once on each Debian.
    if ((who === "root") === (debian === "bookworm")) {
      changeRows(() => pair);

      it("a pair comes back by itself when the host reboots", async () => {
        await pair.host.reboot();
        await Promise.all([pair.untilReady(MAIN_PORT), pair.untilReady(RESCUE_PORT)]);
        ok(await pair.stack.preview("--expect-no-changes"));
      });

      it("a pair comes back when the host loses power", async () => {
        await pair.host.kill();
        await pair.host.boot();
        await Promise.all([pair.untilReady(MAIN_PORT), pair.untilReady(RESCUE_PORT)]);
      });

      it("a gateway comes back when it is killed", async () => {
        const [main, rescue] = [await pair.pid("main"), await pair.pid("rescue")];
        ok(await pair.host.run(`kill -9 ${main}`));
        await eventually("another main", 30, async () => ![0, main].includes(await pair.pid("main")));
        await pair.untilReady(MAIN_PORT);
        expect(await pair.pid("rescue")).toBe(rescue);
      });
    }

    // A limit for one unit is root's to set.
    if (who === "root" && debian === "bookworm")
      it("a gateway comes back when it used up its memory", async () => {
        const rescue = await pair.pid("rescue");
        const restarts = async (): Promise<number> =>
          Number(ok(await pair.systemctl("show -P NRestarts openclaw-gateway")).stdout);
        const before = await restarts();
        // Less than it needs to start, and than it has: the kernel takes a lower limit only for what starts anew.
        ok(await pair.systemctl(`set-property --runtime openclaw-gateway MemoryMax=${isSoak ? 200 : 20}M`));
        ok(await pair.host.run(`kill -9 ${await pair.pid("main")}`));
        // The first restart is ours; only the lack of memory makes more.
        await eventually("it ends by itself again and again", 90, async () => (await restarts()) >= before + 3);
        ok(await pair.systemctl("set-property --runtime openclaw-gateway MemoryMax=infinity"));
        await pair.untilReady(MAIN_PORT);
        expect(await pair.pid("rescue")).toBe(rescue);
      });

    downRow(() => pair);
  });
});
