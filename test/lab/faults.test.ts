/** What happens to the way to a host, and to its disk, in the middle of an `up`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, ok, type Outcome } from "../support/hosts";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

const BOUND_SECONDS = 200;

inLab("faults", () => {
  let lab: Lab;
  let pair: PairOn;
  let host: Host;
  beforeAll(async () => {
    lab = await Lab.start();
    const layers = [await rootLayer("main", "rescue")];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers, diskMegabytes: 3000 }), "root");
    host = pair.host;
    ok(await pair.stack.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await lab?.stop();
  });

  let changes = 0;
  /** What needs a process that main does not have yet. */
  const nextChange = (): void => pair.stack.config("main.maxOldSpaceSize", `${1000 + changes++}`);

  async function converges(): Promise<void> {
    ok(await pair.stack.up());
    ok(await pair.stack.preview("--expect-no-changes"));
    for (const port of [MAIN_PORT, RESCUE_PORT]) expect(await pair.ask(port, "/readyz")).toMatchObject({ ready: true });
  }

  async function timed(action: Promise<Outcome>): Promise<Outcome & { seconds: number }> {
    const start = Date.now();
    return { ...(await action), seconds: (Date.now() - start) / 1000 };
  }

  describe("the way to the host", () => {
    it.each([
      ["is cut", () => host.cut(), () => host.heal()],
      ["is refused", () => host.refusePort(22), () => host.acceptPort(22)],
      ["ends at a host that stands still", () => host.freeze(), () => host.thaw()],
    ] as const)(
      "%s: up fails with the reason and touches nothing, and the next one succeeds",
      async (_, break_, mend) => {
        nextChange();
        const main = await pair.pid("main");
        await break_();
        let outcome;
        try {
          outcome = await timed(pair.stack.up());
        } finally {
          await mend();
        }
        expect(outcome.code).not.toBe(0);
        expect(outcome.stdout).toMatch(new RegExp(`${host.address}|failed attempts|timeout|refused`));
        expect(outcome.seconds).toBeLessThan(BOUND_SECONDS);
        expect(await pair.pid("main")).toBe(main);
        await converges();
      },
    );

    it("a connection cut in the middle of a change ends the up, and the next one succeeds", async () => {
      nextChange();
      const up = timed(pair.stack.up());
      await eventually("main is changed", 60, async () =>
        /starting|stopping/.test(
          (await host.inside("cat /var/lib/openclaw/.pulumi-openclaw/gateways/main/jobs/*/progress.log | tail -2"))
            .stdout,
        ),
      );
      host.cut();
      let outcome;
      try {
        outcome = await up;
      } finally {
        host.heal();
      }
      expect(outcome.code).not.toBe(0);
      expect(outcome.seconds).toBeLessThan(BOUND_SECONDS);
      await converges();
    });

    // In each direction. With 30 % it takes from 50 to over 200 s: TCP doubles its patience with each loss.
    it("a change succeeds although 20 % of the packets are lost", async () => {
      nextChange();
      host.losePackets(0.2);
      let outcome;
      try {
        outcome = await timed(pair.stack.up());
      } finally {
        host.keepPackets();
      }
      expect(outcome.seconds).toBeLessThan(BOUND_SECONDS);
      await converges();
    });
  });

  it("a gateway that hangs while it stops is killed long before one with work to finish", async () => {
    await pair.release("main", { version: "2026.9.104", hangs: true });
    ok(await pair.stack.up());
    await pair.release("main", { version: "2026.9.105" });
    const back = await timed(pair.stack.up());
    expect(back.code, back.stdout).toBe(0);
    expect(back.seconds).toBeGreaterThan(30);
    expect(back.seconds).toBeLessThan(70);
    await converges();
  });

  it("a full disk fails the up, main runs on unchanged, and with space the next up succeeds", async () => {
    nextChange();
    const main = await pair.pid("main");
    host.fillDisk();
    let outcome;
    try {
      outcome = await timed(pair.stack.up());
      expect(await pair.pid("main")).toBe(main);
    } finally {
      host.freeDisk();
    }
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout).toMatch(/the disk is full: \/\S+[^]*-> free up space on it/);
    expect(outcome.seconds).toBeLessThan(BOUND_SECONDS);
    await converges();
  });
});
