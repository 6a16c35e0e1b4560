/** Several hosts in one program: a pair on each, and one pair over two of them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestStack } from "../support/engine";
import { ok } from "../support/hosts";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import type { HostsSetup } from "./programs/hosts";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";
import { VERSION } from "../support/seed";

inLab("several hosts", () => {
  let lab: Lab;
  let stack: TestStack;
  const hosts: Host[] = [];
  const on = (index: number): PairOn => PairOn.seen(hosts[index]!, stack);
  const isReady = async (index: number, port: number): Promise<boolean> =>
    (await on(index).ask(port, "/readyz"))?.ready === true;

  function setup(pairs: HostsSetup["pairs"]): void {
    const { privateKey, registryUrl: registry } = lab;
    const known = hosts.map(({ address, hostKey }, index) => ({ name: `host${index}`, address, hostKey }));
    const used = new Set(Object.values(pairs).flatMap(({ main, rescue }) => [main.on, rescue.on]));
    const text: HostsSetup = { privateKey, registry, hosts: known.filter(({ name }) => used.has(name)), pairs };
    const file = join(stack.directory, "setup.json");
    writeFileSync(file, JSON.stringify(text), { mode: 0o600 });
    stack.env = { ...stack.env, SETUP: file };
  }

  beforeAll(async () => {
    lab = await Lab.start();
    const layers = [await rootLayer("main", "rescue")];
    for (let index = 0; index < 5; index++) hosts.push(await lab.host({ debian: "bookworm", layers }));
    stack = await TestStack.create(join(__dirname, "programs/hosts.ts"));
  });
  afterAll(async () => {
    stack?.forget();
    for (const each of hosts) await each.dispose();
    await lab?.stop();
  });

  it("two hosts have a pair each, and a change on one does not touch the other", async () => {
    const pairs = {
      a: { main: { on: "host3" }, rescue: { on: "host3" } },
      b: { main: { on: "host4" }, rescue: { on: "host4" } },
    };
    setup(pairs);
    ok(await stack.up());
    for (const index of [3, 4])
      for (const port of [MAIN_PORT, RESCUE_PORT]) expect(await isReady(index, port)).toBe(true);
    ok(await stack.preview("--expect-no-changes"));

    const pids = [await on(3).pid("main"), await on(4).pid("rescue")];
    const before = await on(4).pid("main");
    setup({
      ...pairs,
      b: { main: { on: "host4", args: { maxOldSpaceSize: 1000 } }, rescue: { on: "host4" } },
    });
    ok(await stack.up());
    expect(await on(4).pid("main")).not.toBe(before);
    expect([await on(3).pid("main"), await on(4).pid("rescue")]).toEqual(pids);
  });

  describe("one pair over two of them", () => {
    let made = 0;
    /** What needs a process that the gateway does not have yet. */
    const config = () => ({ maxOldSpaceSize: 1000 + made++ });
    const rescue = { on: "host1", args: {} };
    const split = (main: object = {}): void => setup({ split: { main: { on: "host0", args: main }, rescue } });

    it("a pair over two hosts comes up, and a second up changes nothing", async () => {
      split();
      ok(await stack.up());
      expect([await isReady(0, MAIN_PORT), await isReady(1, RESCUE_PORT)]).toEqual([true, true]);
      expect([await isReady(0, RESCUE_PORT), await isReady(1, MAIN_PORT)]).toEqual([false, false]);
      ok(await stack.preview("--expect-no-changes"));
    });

    it("a pair over two hosts is changed one after the other: never both down", async () => {
      rescue.args = config();
      split(config());
      let done = false;
      const seen = new Set<string>();
      const watch = (async () => {
        while (!done) seen.add(`${await isReady(0, MAIN_PORT)} ${await isReady(1, RESCUE_PORT)}`);
      })();
      const up = await stack.up();
      done = true;
      await watch;
      ok(up);
      expect([...seen].sort()).toEqual(["false true", "true false", "true true"]);
      ok(await stack.preview("--expect-no-changes"));
    });

    /** It is started by an `up`, and ends at once. */
    const rescueEnds = async (endsWith?: number): Promise<void> => {
      const release = `${on(1).root}/.pulumi-openclaw/gateways/rescue/releases/${VERSION}`;
      const input = JSON.stringify({ version: VERSION, endsWith });
      ok(await hosts[1]!.run(`cat >${release}/node_modules/openclaw/stand-in.json`, { input }));
    };

    it("a stopped rescue on another host is started before main is changed", async () => {
      ok(await on(1).systemctl("stop openclaw-gateway-rescue"));
      const main = await on(0).pid("main");
      split(config());
      expect(ok(await stack.preview()).stdout).toContain("split.rescue: is stopped");
      ok(await stack.up());
      expect(await on(0).pid("main")).not.toBe(main);
      expect(await isReady(1, RESCUE_PORT)).toBe(true);
    });

    it("main stays up while rescue on another host cannot be started, unless it is forced", async () => {
      await rescueEnds(1);
      ok(await on(1).systemctl("stop openclaw-gateway-rescue"));
      const main = await on(0).pid("main");
      const change = config();
      split(change);
      expect((await stack.up()).code).not.toBe(0);
      expect(await on(0).pid("main")).toBe(main);

      split({ ...change, force: true });
      expect((await stack.up()).code).not.toBe(0);
      expect(await on(0).pid("main")).not.toBe(main);
      expect(await isReady(0, MAIN_PORT)).toBe(true);
    });
    it("a dead main is repaired while rescue is down", async () => {
      ok(await on(0).systemctl("stop openclaw-gateway"));
      split(config());
      expect((await stack.up()).code).not.toBe(0);
      expect([await isReady(0, MAIN_PORT), await isReady(1, RESCUE_PORT)]).toEqual([true, false]);
      await rescueEnds();
      ok(await stack.up());
      expect([await isReady(0, MAIN_PORT), await isReady(1, RESCUE_PORT)]).toEqual([true, true]);
    });

    it("rescue can move to another host without touching main", async () => {
      const same = config();
      split(same);
      ok(await stack.up());
      const main = await on(0).pid("main");
      rescue.on = "host2";
      split(same);
      ok(await stack.up());
      expect([await isReady(1, RESCUE_PORT), await isReady(2, RESCUE_PORT)]).toEqual([false, true]);
      expect(await on(0).pid("main")).toBe(main);
      ok(await stack.preview("--expect-no-changes"));
    });
  });
});
