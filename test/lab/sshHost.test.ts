/** A pair on real hosts with systemd, over SSH: from nothing to removed, and what happens to hosts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, ok } from "../support/hosts";
import { VERSION } from "../support/seed";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer, userLayer } from "./layers";
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

    it("comes up healthy, on loopback only, as services that are no root's", async () => {
      const up = ok(await pair.stack.up());
      expect(up.stdout).not.toMatch(/warning:/);
      for (const port of [MAIN_PORT, RESCUE_PORT])
        expect(await pair.ask(port, "/startupz")).toMatchObject({ status: "started", version: VERSION });
      const account = who === "root" ? "openclaw" : pair.host.user;
      for (const gateway of ["main", "rescue"] as const)
        expect(ok(await pair.host.run(`ps -o user= -p ${await pair.pid(gateway)}`)).stdout.trim()).toBe(account);
      const listening = ok(await pair.host.run("ss -Htln"))
        .stdout.split("\n")
        .map((line) => line.split(/\s+/)[3] ?? "");
      expect(listening.filter((at) => /:(18[789]\d\d|19[789]\d\d)$/.test(at)).sort()).toEqual([
        "127.0.0.1:18789",
        "127.0.0.1:19789",
        "[::1]:18789",
        "[::1]:19789",
      ]);
    });

    it("answers through its commands", async () => {
      const main = who === "root" ? "openclaw-main" : "~/.local/bin/openclaw-main";
      expect(JSON.parse(ok(await pair.run(`${main} health --json`)).stdout)).toMatchObject({ ok: true });
    });

    it("is not touched by a second up", async () => {
      const pids = [await pair.pid("main"), await pair.pid("rescue")];
      ok(await pair.stack.preview("--expect-no-changes"));
      expect(ok(await pair.stack.up()).stdout).toMatch(/15 unchanged/);
      expect([await pair.pid("main"), await pair.pid("rescue")]).toEqual(pids);
    });

    it("changes main's configuration, and leaves rescue alone", async () => {
      const [main, rescue] = [await pair.pid("main"), await pair.pid("rescue")];
      await pair.stack.config("main.config.update.channel", "beta");
      const preview = ok(await pair.stack.preview()).stdout;
      expect(preview.match(/^ ~ .*command:remote:Command.*$/gm)).toHaveLength(1);
      expect(preview).toMatch(/openclaw-main-deployment\S* update/);
      ok(await pair.stack.up());
      expect(await pair.pid("rescue")).toBe(rescue);
      expect(await pair.pid("main")).not.toBe(main);
      expect(await pair.ask(MAIN_PORT, "/startupz")).toMatchObject({ status: "started" });
    });

    // Once as root and once as a user, once on each Debian.
    if ((who === "root") === (debian === "bookworm")) {
      it("comes back by itself when the host reboots", async () => {
        await pair.host.reboot();
        await Promise.all([pair.untilReady(MAIN_PORT), pair.untilReady(RESCUE_PORT)]);
        ok(await pair.stack.preview("--expect-no-changes"));
      });

      it("comes back when its power fails", async () => {
        await pair.host.kill();
        await pair.host.boot();
        await Promise.all([pair.untilReady(MAIN_PORT), pair.untilReady(RESCUE_PORT)]);
      });

      it("comes back when it is killed", async () => {
        const [main, rescue] = [await pair.pid("main"), await pair.pid("rescue")];
        ok(await pair.host.run(`kill -9 ${main}`));
        await eventually("another main", 30, async () => ![0, main].includes(await pair.pid("main")));
        await pair.untilReady(MAIN_PORT);
        expect(await pair.pid("rescue")).toBe(rescue);
      });

      it("keeps a bad configuration from the running gateway", async () => {
        const main = await pair.pid("main");
        await pair.stack.config("main.config.update.channel", "no-such-channel");
        const refused = await pair.stack.up();
        expect(refused.code).not.toBe(0);
        expect(refused.stdout).toMatch(/update\.channel/);
        expect(await pair.pid("main")).toBe(main);
        await pair.stack.config("main.config.update.channel", "beta");
        ok(await pair.stack.preview("--expect-no-changes"));
      });
    }

    // A limit for one unit is root's to set.
    if (who === "root" && debian === "bookworm") {
      it("comes back when it used up its memory", async () => {
        const rescue = await pair.pid("rescue");
        const restarts = async (): Promise<number> =>
          Number(ok(await pair.systemctl("show -P NRestarts openclaw-gateway")).stdout);
        const before = await restarts();
        // Less than it needs to start, and than it has: the kernel takes a lower limit only for what starts anew.
        ok(await pair.systemctl("set-property --runtime openclaw-gateway MemoryMax=200M"));
        ok(await pair.host.run(`kill -9 ${await pair.pid("main")}`));
        // The first restart is ours; only the lack of memory makes more.
        await eventually("it ends by itself again and again", 90, async () => (await restarts()) >= before + 3);
        ok(await pair.systemctl("set-property --runtime openclaw-gateway MemoryMax=infinity"));
        await pair.untilReady(MAIN_PORT);
        expect(await pair.pid("rescue")).toBe(rescue);
      });
    }

    it("goes, and leaves its data and nothing else", async () => {
      ok(await pair.stack.destroy());
      expect(ok(await pair.systemctl("list-units --all --plain --no-legend 'openclaw*'")).stdout).toBe("");
      expect(ok(await pair.host.run("find / -xdev -name 'openclaw-gateway*.service'")).stdout).toBe("");
      expect(ok(await pair.host.run("ss -Htln")).stdout).not.toMatch(/:1[89]789 /);
      expect(
        ok(await pair.host.run(`ls -A ${pair.root} | grep openclaw`))
          .stdout.trim()
          .split("\n")
          .sort(),
      ).toEqual([".openclaw", ".openclaw-rescue"]);
    });
  });
});
