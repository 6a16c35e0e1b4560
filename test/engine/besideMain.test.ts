/** The page's default path: a main bot is already running, made by hand; this stack adds the rescue. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkGateways } from "../../cli/check";
import { gatewaysOfState } from "../../cli/gateways";
import { TestStack } from "../support/engine";
import { HandMadeGateway } from "../support/handMadeGateway";
import { ask, endStrays, isRunning, ok, temporaryRoot, TEST_ACCOUNT } from "../support/hosts";
import { placeRelease, seedTools } from "../support/seed";
import { FakeTelegram } from "../support/telegram";
import { withRealGateways } from "../support/oneAtATime";

const MAIN = 27400;
const RESCUE = 27511;
const MAIN_BOT = "3333:canary-hand-made-bot-b7a0";
const RESCUE_BOT = "4444:canary-rescue-bot-c2d9";

describe("a rescue gateway beside a main gateway made by hand", () => {
  withRealGateways();
  let home: string;
  let main: HandMadeGateway;
  let stack: TestStack;
  let telegram: FakeTelegram;
  let before: { pid: number; files: Record<string, string> };

  beforeAll(async () => {
    home = temporaryRoot();
    telegram = await FakeTelegram.start([MAIN_BOT, RESCUE_BOT]);
    main = new HandMadeGateway(home, MAIN, { MAIN_BOT });
    await main.onboard();
    const path = join(main.stateDir, "openclaw.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as { channels: object };
    config.channels = {
      telegram: {
        enabled: true,
        apiRoot: telegram.apiRoot,
        botToken: { source: "env", provider: "default", id: "MAIN_BOT" },
        dmPolicy: "allowlist",
        allowFrom: ["4242"],
      },
    };
    writeFileSync(path, JSON.stringify(config, undefined, 2));
    await main.start();
    before = { pid: main.pid, files: main.snapshot() };

    stack = await TestStack.create();
    stack.config("mode", "rescue");
    stack.config("root", home);
    if (process.getuid!() === 0) stack.config("account", TEST_ACCOUNT);
  });
  afterAll(async () => {
    await stack?.dispose();
    await main?.stop();
    await telegram?.stop();
    endStrays(home);
    rmSync(home, { recursive: true, force: true });
  });

  const untouched = () => {
    expect(main.snapshot()).toEqual(before.files);
    expect(isRunning(before.pid)).toBe(true);
  };
  const refusal = async (): Promise<string> => {
    const outcome = await stack.preview();
    expect(outcome.code).not.toBe(0);
    return outcome.stdout + outcome.stderr;
  };

  it("a rescue that would share main's ports, directories or bot is refused", async () => {
    stack.config("rescue.basePort", String(MAIN + 20));
    stack.config("rescue.stateDir", join(main.stateDir, "rescue"));
    stack.config("rescue.telegram.allowFrom[0]", "4242");
    stack.config("rescue.telegram.apiRoot", telegram.apiRoot);
    await stack.secretConfig("rescue.telegram.botToken", MAIN_BOT);
    const said = await refusal();
    expect(said).toContain(
      `openclaw-rescue.basePort: its ports ${MAIN + 20}-${MAIN + 130} overlap those of the gateway in ${main.stateDir} (${MAIN}-${MAIN + 110})`,
    );
    expect(said).toContain(`use ${MAIN + 111}, the nearest free base port`);
    expect(said).toContain(
      `openclaw-rescue.stateDir: ${main.stateDir}/rescue is inside stateDir of the gateway in ${main.stateDir}`,
    );
    expect(said).toContain(
      `openclaw-rescue.telegram.botToken: is the same bot as the bot of the gateway in ${main.stateDir}`,
    );
    expect(said).not.toContain(MAIN_BOT);
    untouched();
  });

  it("wrong facts about main, and arguments for it, are refused", async () => {
    stack.config("rescue.existingMain.stateDir", join(home, "nowhere"));
    stack.config("main.basePort", "20000");
    const said = await refusal();
    expect(said).toContain(`openclaw-rescue.existingMain.stateDir: ${home}/nowhere does not exist`);
    expect(said).toContain("openclaw.main: in rescue mode, this stack does not run the main gateway");
    ok(await stack.run(["config", "rm", "--path", "rescue.existingMain"]));
    ok(await stack.run(["config", "rm", "main"]));
  });

  it("a rescue comes up beside an existing main, and says how to help it", async () => {
    ok(await stack.run(["config", "rm", "--path", "rescue.stateDir"]));
    stack.config("rescue.basePort", String(RESCUE));
    await stack.secretConfig("rescue.telegram.botToken", RESCUE_BOT);
    seedTools(home);
    placeRelease(home, "rescue");
    const { stdout, stderr } = ok(await stack.up());
    expect(stdout + stderr).not.toContain("warning:");
    expect(await ask(RESCUE, "/readyz")).toMatchObject({ ready: true });
    const outputs = await stack.outputs();
    expect(outputs).not.toHaveProperty("mainToken");
    expect(outputs.existingMain).toMatchObject({
      url: `http://127.0.0.1:${MAIN}`,
      stateDir: main.stateDir,
      workspace: join(main.stateDir, "workspace"),
      configPath: join(main.stateDir, "openclaw.json"),
    });
    const guide = readFileSync(join(home, ".openclaw-rescue", "workspace", "RESCUE.md"), "utf8");
    expect(guide).toContain(`OPENCLAW_CONFIG_PATH=${main.stateDir}/openclaw.json openclaw gateway status --deep`);
    ok(await stack.preview("--expect-no-changes"));
    untouched();
  });

  it("the quick checks cover the rescue and main", async () => {
    const stateFile = join(stack.directory, "state.json");
    ok(await stack.run(["stack", "export", "--file", stateFile]));
    const found = gatewaysOfState(readFileSync(stateFile, "utf8"));
    expect(found.gateways.map(({ name, isOurs, port }) => ({ name, isOurs, port }))).toEqual([
      { name: "main", isOurs: false, port: MAIN },
      { name: "openclaw-rescue", isOurs: true, port: RESCUE },
    ]);
    const [mine, rescue] = found.gateways;
    const result = await checkGateways({ gateways: [{ ...mine!, command: main.command }, rescue!], neverUp: [] }, []);
    expect(result).toMatchObject({ ok: true, gateways: [{ status: "ok" }, { status: "ok" }] });
    // OpenClaw's own `browser status` makes a secret for its relay; nothing else is new or changed.
    const after = main.snapshot();
    const others = Object.entries(after).filter(([name]) => !name.startsWith(".openclaw/credentials"));
    expect(Object.fromEntries(others)).toEqual(before.files);
    before.files = after;
  });

  it("a rescue is changed while main answers, and not while main hangs", async () => {
    stack.config("rescue.config.update.channel", "stable");
    ok(await stack.up());
    untouched();
    stack.config("rescue.maxOldSpaceSize", "1000");
    main.freeze();
    const outcome = await stack.up().finally(() => main.thaw());
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout + outcome.stderr).toContain(
      `the main gateway on port ${MAIN} does not answer, so this healthy gateway was not taken down`,
    );
    expect(await ask(RESCUE, "/readyz")).toMatchObject({ ready: true });
    ok(await stack.up());
    untouched();
  });

  it("removing the rescue leaves no trace in main", async () => {
    ok(await stack.destroy());
    expect(await ask(RESCUE, "/startupz")).toBeUndefined();
    untouched();
    expect(stack.transcript).not.toMatch(/canary-/);
  });
});
