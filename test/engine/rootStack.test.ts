import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { gatewayTag } from "../../model/hostLayout";
import { carries } from "../../inspect/processes";
import { QUICK, REFUSED_LATER, TestStack } from "../support/engine";
import { ask, endStrays, finished, isRunning, ok, temporaryRoot, TEST_ACCOUNT, type Outcome } from "../support/hosts";
import { seedGateway, seedTools, VERSION } from "../support/seed";
import { FakeModel } from "../support/model";
import { FakeTelegram } from "../support/telegram";
import { manage, pids } from "./gateways";
import { withRealGateways } from "../support/oneAtATime";

const MAIN = 25000;
const RESCUE = 25111;
const CANARIES = {
  mainBot: "1111:canary-main-bot-4f0c",
  rescueBot: "2222:canary-rescue-bot-9a1d",
  key: "canary-model-key-77e2",
  nextKey: "canary-next-model-key-b0c3",
};

const configOf = (root: string, id: string) =>
  JSON.parse(readFileSync(join(manage(root), "gateways", id, "current", "openclaw.json"), "utf8")) as Record<
    string,
    unknown
  >;

/** The lines of `preview --diff` that say a value changes. */
const changedValues = (diff: string) => diff.split("\n").filter((line) => /^\s+~ .+=>/.test(line));

describe("the root stack", () => {
  withRealGateways();
  let root: string;
  let stack: TestStack;
  let telegram: FakeTelegram;
  let model: FakeModel;
  let tokens: { main: string; rescue: string };

  beforeAll(async () => {
    vi.stubEnv(QUICK, "");
    root = temporaryRoot();
    telegram = await FakeTelegram.start([CANARIES.mainBot, CANARIES.rescueBot]);
    model = await FakeModel.start([CANARIES.key, CANARIES.nextKey]);
    stack = await TestStack.create();
    stack.config("root", root);
    if (process.getuid!() === 0) stack.config("account", TEST_ACCOUNT);
    stack.config("main.basePort", String(MAIN));
    stack.config("main.config.update.channel", "stable");
    for (const gateway of ["main", "rescue"] as const) {
      stack.config(`${gateway}.telegram.apiRoot`, telegram.apiRoot);
      stack.config(`${gateway}.telegram.allowFrom[0]`, "4242");
      await stack.secretConfig(`${gateway}.telegram.botToken`, CANARIES[`${gateway}Bot`]);
    }
    await stack.secretConfig("rescue.env.MODEL_KEY", CANARIES.key);
    await stack.secretConfig("main.secrets.MODEL_KEY", CANARIES.key);
    const provider = { baseUrl: model.baseUrl, api: "openai-completions", apiKey: "${MODEL_KEY}" };
    for (const [key, value] of Object.entries(provider))
      stack.config(`main.config.models.providers.fake.${key}`, value);
    stack.config("main.config.models.providers.fake.models[0].id", "test");
    stack.config("main.config.models.providers.fake.models[0].name", "Test");
    stack.config("main.config.agents.defaults.model.primary", "fake/test");
    stack.config("main.config.gateway.http.endpoints.chatCompletions.enabled", "true");
  });
  afterAll(async () => {
    await stack.dispose();
    await telegram.stop();
    await model.stop();
    endStrays(root);
    rmSync(root, { recursive: true, force: true });
  });

  const command = (id: string, ...args: string[]): Promise<Outcome> =>
    finished(spawn(join(root, "bin", `openclaw-${id}`), args, { stdio: ["ignore", "pipe", "pipe"] }));

  it.each([["preview"], ["up", "--yes", "--skip-preview"]])(
    "overlapping port blocks (%s …) are refused before anything is registered or touched",
    async (...command) => {
      stack.config("rescue.basePort", String(MAIN + 20));
      const outcome = await stack.run(command);
      expect(outcome.code).not.toBe(0);
      const said = outcome.stdout + outcome.stderr;
      expect(said).toContain(
        `openclaw.rescue.basePort: its ports ${MAIN + 20}-${MAIN + 130} overlap those of openclaw.main (${MAIN}-${MAIN + 110})`,
      );
      expect(said).toContain(`use ${MAIN + 111}, the nearest free base port`);
      expect(said).not.toMatch(/^\s+at /m);
      expect((await stack.resources()).filter((urn) => !urn.includes("pulumi:pulumi:Stack"))).toEqual([]);
      expect(readdirSync(root)).toEqual([]);
    },
  );

  it("up brings both gateways up healthy, each with its own token", async () => {
    stack.config("rescue.basePort", String(RESCUE));
    seedTools(root);
    for (const id of ["main", "rescue"]) seedGateway(root, id);
    const { stdout, stderr } = ok(await stack.up());
    expect(stdout + stderr).not.toContain("warning:");
    const outputs = await stack.outputs();
    expect(Object.keys(outputs).sort(), stdout).toEqual(["gateways", "main", "mainToken", "rescue", "rescueToken"]);
    expect(stdout).toMatch(/^ +[+] main +: "http:\/\/127\.0\.0\.1:25000 · OpenClaw [\d.]+ · ports 25000-25110"$/m);
    expect(stdout).not.toContain("sandbox");
    tokens = { main: outputs.mainToken as string, rescue: outputs.rescueToken as string };
    expect(tokens.main).not.toBe(tokens.rescue);
    expect(outputs.gateways).toMatchObject([
      {
        name: "main",
        profile: "default",
        url: `http://127.0.0.1:${MAIN}`,
        portBlock: { first: MAIN, last: MAIN + 110 },
      },
      {
        name: "rescue",
        profile: "rescue",
        url: `http://127.0.0.1:${RESCUE}`,
        portBlock: { first: RESCUE, last: RESCUE + 110 },
      },
    ]);
    for (const [id, port] of [
      ["main", MAIN],
      ["rescue", RESCUE],
    ] as const) {
      expect(await ask(port, "/startupz")).toMatchObject({ ok: true, version: VERSION });
      expect(await ask(port, "/readyz")).toMatchObject({ ready: true, failing: [] });
      expect(JSON.parse(ok(await command(id, "health", "--json")).stdout)).toMatchObject({ ok: true });
      expect(readFileSync(`/proc/${pids(root)[id]}/environ`, "utf8")).not.toContain(tokens[id]);
    }
  });

  it("both gateways listen on loopback only", () => {
    const table = `${readFileSync("/proc/net/tcp", "utf8")}${readFileSync("/proc/net/tcp6", "utf8")}`;
    for (const port of [MAIN, RESCUE]) {
      const hex = port.toString(16).toUpperCase().padStart(4, "0");
      const addresses = [...table.matchAll(new RegExp(`: ([0-9A-F]+):${hex} \\S+ 0A`, "g"))].map(([, at]) => at);
      expect(addresses.sort()).toEqual(["00000000000000000000000001000000", "0100007F"]);
    }
  });

  it("the gateways' command line cannot write the configuration", async () => {
    const before = configOf(root, "main");
    const { code, stdout, stderr } = await command("main", "config", "set", "update.channel", "beta");
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("externally managed")]);
    expect(configOf(root, "main")).toEqual(before);
  });

  it("no secret is shown anywhere", async () => {
    const secrets = [...Object.values(CANARIES), tokens.main, tokens.rescue];
    const holds = (text: string) =>
      secrets.filter((secret) => text.includes(secret) || text.includes(Buffer.from(secret).toString("base64")));
    const marks = ["main", "rescue"].map((id) => gatewayTag(join(manage(root), "gateways", id)));
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const read = (name: string) => {
        try {
          return readFileSync(`/proc/${pid}/${name}`, "utf8");
        } catch {
          return ""; // it ended meanwhile
        }
      };
      expect(holds(read("cmdline")), `arguments of ${pid}`).toEqual([]);
      if (!marks.some((mark) => carries(Number(pid), mark)))
        expect(holds(read("environ")), `environment of ${pid}`).toEqual([]);
    }
    await stack.preview("--diff");
    expect(holds(stack.transcript)).toEqual([]);
    expect(holds(stack.configText())).toEqual([]);
    const inFiles = (directory: string, ...excluded: string[]) =>
      secrets.flatMap((secret) => {
        const args = ["-rlaF", "-e", secret, ...excluded.map((name) => `--exclude-dir=${name}`), directory];
        try {
          return execFileSync("grep", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
            .trim()
            .split("\n");
        } catch {
          return []; // grep found nothing
        }
      });
    expect(inFiles(stack.directory)).toEqual([]);
    expect(inFiles(root, "secrets", "releases", "nodes", "npms")).toEqual([]);
    expect(inFiles(root).length).toBeGreaterThan(0); // the search does find what is there
  });

  it("a second up changes nothing: same processes, same tokens", async () => {
    const before = pids(root);
    ok(await stack.preview("--expect-no-changes"));
    const { stdout } = ok(await stack.up());
    expect(stdout).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    expect(pids(root)).toEqual(before);
    const { mainToken, rescueToken } = await stack.outputs();
    expect({ main: mainToken, rescue: rescueToken }).toEqual(tokens);
  });

  it("one changed key of main shows as one changed line, and touches main only", async () => {
    const before = pids(root);
    stack.config("main.config.update.channel", "beta");
    const { stdout } = ok(await stack.preview("--diff"));
    expect(changedValues(stdout).map((line) => line.trim())).toEqual(['~ channel     : "stable" => "beta"']);
    expect(stdout).toMatch(/~ 1 to update/);
    const plain = ok(await stack.preview()).stdout;
    expect(plain).toContain("main: changes while it runs, without a pause: update.channel");
    expect(ok(await stack.up()).stdout).toContain("changing its configuration while it runs: update.channel");
    expect(pids(root)).toEqual(before);
    expect(configOf(root, "main").update).toMatchObject({ channel: "beta" });
    ok(await stack.preview("--expect-no-changes"));
  });

  it("a model provider's key is in no environment, and a new one is used at once, by the same process", async () => {
    const before = pids(root);
    const environment = () => readFileSync(`/proc/${before.main}/environ`, "utf8");
    const talk = async (): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${MAIN}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${tokens.main}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "ping" }] }),
      });
      return response.text();
    };
    expect(await talk()).toContain("pong");
    await stack.secretConfig("main.secrets.MODEL_KEY", CANARIES.nextKey);
    ok(await stack.up());
    expect(await talk()).toContain("pong");
    expect([model.keys[0], model.keys.at(-1)]).toEqual([CANARIES.key, CANARIES.nextKey]);
    expect(pids(root)).toEqual(before);
    expect(environment()).not.toContain("canary-");
  });

  it("a configuration that OpenClaw refuses fails the up, and reverting it leaves nothing to change", async () => {
    const before = pids(root);
    stack.config("main.config.update.channel", REFUSED_LATER);
    const outcome = await stack.up();
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout + outcome.stderr).toContain("OpenClaw refuses it: update.channel");
    expect(pids(root)).toEqual(before);
    stack.config("main.config.update.channel", "beta");
    ok(await stack.preview("--expect-no-changes"));
    expect(configOf(root, "main").update).toMatchObject({ channel: "beta" });
  });

  it("destroy ends the processes and frees the ports", async () => {
    const before = Object.values(pids(root));
    ok(await stack.destroy());
    expect(before.filter(isRunning)).toEqual([]);
    expect([await ask(MAIN, "/startupz"), await ask(RESCUE, "/startupz")]).toEqual([undefined, undefined]);
    expect(readdirSync(root).sort()).toEqual([".openclaw", ".openclaw-rescue"]);
    expect(await stack.resources()).toEqual([]);
  });
});
