import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayMark } from "../../host/layout";
import { carries } from "../../host/processes";
import { PROJECT, TestStack } from "../support/engine";
import { ask, endStrays, eventually, finished, isRunning, ok, temporaryRoot, TEST_ACCOUNT } from "../support/hosts";
import { seedGateway, seedTools, VERSION } from "../support/seed";
import { FakeTelegram } from "../support/telegram";

const MAIN = 25000;
const RESCUE = 25111;
const CANARIES = {
  mainBot: "1111:canary-main-bot-4f0c",
  rescueBot: "2222:canary-rescue-bot-9a1d",
  key: "canary-model-key-77e2",
};

const manage = (root: string) => join(root, ".pulumi-openclaw");
const state = (root: string, id: string) =>
  JSON.parse(readFileSync(join(manage(root), "gateways", id, "supervisor.json"), "utf8")) as {
    supervisor: { pid: number };
    gateway: { pid: number };
  };
const pids = (root: string) => ({ main: state(root, "main").gateway.pid, rescue: state(root, "rescue").gateway.pid });
const configOf = (root: string, id: string) =>
  JSON.parse(readFileSync(join(manage(root), "gateways", id, "current", "openclaw.json"), "utf8")) as Record<
    string,
    unknown
  >;

/** The lines of `preview --diff` that say a value changes. */
const changedValues = (diff: string) => diff.split("\n").filter((line) => /^\s+~ .+=>/.test(line));

describe("the root stack", () => {
  let root: string;
  let stack: TestStack;
  let telegram: FakeTelegram;
  let tokens: { main: string; rescue: string };

  beforeAll(async () => {
    root = temporaryRoot();
    telegram = await FakeTelegram.start([CANARIES.mainBot, CANARIES.rescueBot]);
    stack = await TestStack.create();
    await stack.config("root", root);
    if (process.getuid!() === 0) await stack.config("account", TEST_ACCOUNT);
    await stack.config("main.basePort", String(MAIN));
    await stack.config("main.config.update.channel", "stable");
    for (const gateway of ["main", "rescue"] as const) {
      await stack.config(`${gateway}.telegram.apiRoot`, telegram.apiRoot);
      await stack.config(`${gateway}.telegram.allowFrom[0]`, "4242");
      await stack.secretConfig(`${gateway}.telegram.botToken`, CANARIES[`${gateway}Bot`]);
      await stack.secretConfig(`${gateway}.env.MODEL_KEY`, CANARIES.key);
    }
  });
  afterAll(async () => {
    await stack.dispose();
    await telegram.stop();
    endStrays(root);
    rmSync(root, { recursive: true, force: true });
  });

  it.each([["preview"], ["up", "--yes", "--skip-preview"]])(
    "refuses overlapping blocks (%s …), and nothing is registered or touched",
    async (...command) => {
      await stack.config("rescue.basePort", String(MAIN + 20));
      const outcome = await stack.run(command);
      expect(outcome.code).not.toBe(0);
      const said = outcome.stdout + outcome.stderr;
      expect(said).toContain(
        `openclaw.rescue.basePort: its ports ${MAIN + 20}-${MAIN + 130} overlap those of openclaw.main (${MAIN}-${MAIN + 110})`,
      );
      expect(said).toContain(`use ${MAIN + 111}, the nearest base port that is free`);
      expect(said).not.toMatch(/^\s+at /m);
      expect((await stack.resources()).filter((urn) => !urn.includes("pulumi:pulumi:Stack"))).toEqual([]);
      expect(readdirSync(root)).toEqual([]);
    },
  );

  it("comes up: both healthy, each with its own token", async () => {
    await stack.config("rescue.basePort", String(RESCUE));
    const { stdout, stderr } = ok(await stack.up());
    expect(stdout + stderr).not.toContain("warning:");
    const outputs = await stack.outputs();
    expect(Object.keys(outputs).sort(), stdout).toEqual(["gateways", "mainToken", "rescueToken"]);
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
      const wrapper = spawn(join(root, "bin", `openclaw-${id}`), ["health", "--json"], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      expect(JSON.parse(ok(await finished(wrapper)).stdout)).toMatchObject({ ok: true });
      expect(readFileSync(`/proc/${pids(root)[id]}/environ`, "utf8")).toContain(`OPENCLAW_GATEWAY_TOKEN=${tokens[id]}`);
    }
  });

  it("shows no secret anywhere", async () => {
    const secrets = [...Object.values(CANARIES), tokens.main, tokens.rescue];
    const holds = (text: string) =>
      secrets.filter((secret) => text.includes(secret) || text.includes(Buffer.from(secret).toString("base64")));
    const marks = ["main", "rescue"].map((id) => gatewayMark(join(manage(root), "gateways", id)));
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

  it("changes nothing the second time: same processes, same tokens", async () => {
    const before = pids(root);
    ok(await stack.preview("--expect-no-changes"));
    const { stdout } = ok(await stack.up());
    expect(stdout).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    expect(pids(root)).toEqual(before);
    const { mainToken, rescueToken } = await stack.outputs();
    expect({ main: mainToken, rescue: rescueToken }).toEqual(tokens);
  });

  it("shows one changed line for one changed key, and touches main only", async () => {
    const before = pids(root);
    await stack.config("main.config.update.channel", "beta");
    const { stdout } = ok(await stack.preview("--diff"));
    expect(changedValues(stdout).map((line) => line.trim())).toEqual(['~ channel     : "stable" => "beta"']);
    expect(stdout).toMatch(/~ 1 to update/);
    ok(await stack.up());
    expect(pids(root).rescue).toBe(before.rescue);
    expect(pids(root).main).not.toBe(before.main);
    expect(configOf(root, "main").update).toMatchObject({ channel: "beta" });
    ok(await stack.preview("--expect-no-changes"));
  });

  it("fails with a configuration that OpenClaw refuses; going back is clean, and true", async () => {
    const before = pids(root);
    await stack.config("main.config.update.channel", "bogus");
    const outcome = await stack.up();
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout + outcome.stderr).toContain("OpenClaw refuses this configuration; nothing was changed");
    expect(pids(root)).toEqual(before);
    await stack.config("main.config.update.channel", "beta");
    ok(await stack.preview("--expect-no-changes"));
    expect(configOf(root, "main").update).toMatchObject({ channel: "beta" });
  });

  it("has its gateway back after kill -9", async () => {
    const before = pids(root);
    process.kill(before.main, "SIGKILL");
    await eventually(
      "a new main",
      20,
      () => state(root, "main").gateway && state(root, "main").gateway.pid !== before.main,
    );
    await eventually("healthy again", 60, () => ask(MAIN, "/startupz"));
    expect(pids(root).rescue).toBe(before.rescue);
    ok(await stack.preview("--expect-no-changes"));
  });

  it("updates the host program alone when the library changes", async () => {
    const bundle = join(PROJECT, "dist", "host.cjs.br");
    const original = readFileSync(bundle);
    const before = pids(root);
    try {
      const later = Buffer.concat([brotliDecompressSync(original), Buffer.from("// a later version\n")]);
      writeFileSync(bundle, brotliCompressSync(later));
      const { stdout } = ok(await stack.preview());
      expect(stdout).toMatch(/~\s+command:local:Command local-program update/);
      expect(stdout).toMatch(/~ 1 to update\n/);
      ok(await stack.up());
      expect(readFileSync(join(manage(root), "host.cjs"), "utf8")).toContain("a later version");
      expect(pids(root)).toEqual(before);
      ok(await stack.preview("--expect-no-changes"));
    } finally {
      writeFileSync(bundle, original);
    }
  });

  it("is destroyed: processes gone, ports free, data still there; up finds them again", async () => {
    const before = [...Object.values(pids(root)), ...["main", "rescue"].map((id) => state(root, id).supervisor.pid)];
    const diary = join(root, ".openclaw", "workspace", "diary.md");
    writeFileSync(diary, "dear diary");
    ok(await stack.destroy());
    expect(before.filter(isRunning)).toEqual([]);
    expect([await ask(MAIN, "/startupz"), await ask(RESCUE, "/startupz")]).toEqual([undefined, undefined]);
    expect(readdirSync(root).sort()).toEqual([".openclaw", ".openclaw-rescue"]);
    expect(await stack.resources()).toEqual([]);

    seedTools(root);
    for (const id of ["main", "rescue"]) seedGateway(root, id);
    ok(await stack.up());
    expect(await ask(MAIN, "/readyz")).toMatchObject({ ready: true });
    expect(readFileSync(diary, "utf8")).toBe("dear diary");
  });

  it("becomes a rescue alone, and a pair again, without touching the rescue", async () => {
    const { rescue } = pids(root);
    await stack.config("mode", "rescue");
    ok(await stack.run(["config", "rm", "main"]));
    const { stdout } = ok(await stack.preview());
    expect(stdout).toMatch(/-\s+openclaw:index:Gateway\s+openclaw-main delete/);
    expect(stdout).not.toMatch(/openclaw-rescue\S* (create|replace|delete)/);
    const outcome = ok(await stack.up());
    // There is no main now, and only that is warned of.
    expect(new Set(outcome.stdout.match(/warning: [^:]*: [^,]*/g))).toEqual(
      new Set(["warning: openclaw-rescue: no main gateway was found beside it"]),
    );
    expect(await ask(MAIN, "/startupz")).toBeUndefined();
    expect(state(root, "rescue").gateway.pid).toBe(rescue);
    ok(await stack.preview("--expect-no-changes"));

    await stack.config("mode", "pair");
    await stack.config("main.basePort", String(MAIN));
    seedGateway(root, "main");
    ok(await stack.up());
    expect(await ask(MAIN, "/readyz")).toMatchObject({ ready: true });
    expect(pids(root).rescue).toBe(rescue);
    ok(await stack.preview("--expect-no-changes"));
  });
});

it("a first up that fails leaves nothing after destroy", async () => {
  const root = temporaryRoot();
  seedTools(root);
  for (const id of ["main", "rescue"]) seedGateway(root, id);
  const stack = await TestStack.create();
  try {
    await stack.config("root", root);
    if (process.getuid!() === 0) await stack.config("account", TEST_ACCOUNT);
    for (const [gateway, port] of [
      ["main", 25400],
      ["rescue", 25511],
    ] as const) {
      await stack.config(`${gateway}.basePort`, String(port));
      await stack.config(`${gateway}.config.update.channel`, "bogus");
    }
    expect((await stack.up()).code).not.toBe(0);
    ok(await stack.destroy());
    expect(readdirSync(root)).toEqual([]);
  } finally {
    await stack.dispose();
    rmSync(root, { recursive: true, force: true });
  }
});
