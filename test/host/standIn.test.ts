/** The same questions to OpenClaw's real release and to the stand-in for it: what this product asks and reads. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askGateway as askOver } from "../../inspect/ask";
import { readReload, type ReloadWords } from "../../host/reload";
import { listeners } from "../../inspect/listeners";
import { ASK_CHANNELS, readChannels } from "../../model/channels";
import type { JsonObject } from "../../model/spec";
import { ask, eventually, finished, temporaryRoot, type Outcome } from "../support/hosts";
import { seedCompiled, seedNode, seedRelease, VERSION } from "../support/seed";
import { FakeTelegram } from "../support/telegram";
import { withRealGateways } from "../support/oneAtATime";
import { placeStandIn, releaseDirectory } from "../standIn/release";

const PORT = 24700;
const TOKEN = "canary-contract-token";
const [BOT, WRONG_BOT] = ["4711:canary-right-bot", "4711:canary-wrong-bot"];
const BOOT_SECONDS = 120;

const root = temporaryRoot();
/** Where a Tailscale is that does as it is told, and what it was told. */
const tailscale = join(root, "tailscale");
const tailscaleLog = join(tailscale, "log");
const TAILSCALE = `#!/bin/sh
echo "$*" >> ${tailscaleLog}
case "$1 $2" in
"version "*) echo 1.80.0 ;;
"status --json") echo '{"BackendState":"Running","Self":{"DNSName":"claw.tailnet.ts.net.","TailscaleIPs":["100.64.0.7"]}}' ;;
"serve status") echo '{}' ;;
"serve --yes") echo "Press Ctrl+C to exit."; exec sleep 600 ;;
esac
`;
let telegram: FakeTelegram;
withRealGateways();
beforeAll(async () => {
  placeStandIn(root, "main", { version: VERSION });
  mkdirSync(tailscale);
  writeFileSync(join(tailscale, "tailscale"), TAILSCALE, { mode: 0o755 });
  telegram = await FakeTelegram.start([BOT]);
});
afterAll(async () => {
  await telegram?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Its whole group ends when this process does, however that ends: then nothing holds the other end of the pipe. */
function endWithUs(child: ChildProcess): void {
  const watchdog = spawn("sh", ["-c", 'read _; kill -KILL "-$0"', String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.once("close", () => watchdog.kill("SIGKILL"));
}

describe.each([
  ["OpenClaw", join(seedRelease, "node_modules/openclaw/openclaw.mjs")],
  ["the stand-in", join(releaseDirectory(root, "main", VERSION), "openclaw.mjs")],
])("%s", (name, entry) => {
  const home = join(root, name.replaceAll(" ", "-"));
  beforeAll(() => mkdirSync(home));

  let configs = 0;
  const token = { source: "env", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN" };
  const gateway = { mode: "local", port: PORT, bind: "loopback", auth: { mode: "token", token } };
  function configuration(change: object = {}): string {
    const path = join(home, `config-${configs++}.json`);
    writeFileSync(path, JSON.stringify({ gateway, update: { channel: "stable" }, ...change }));
    return path;
  }

  interface Run {
    readonly config?: string;
    readonly token?: string;
    readonly bot?: string;
    /** As a password instead. */
    readonly password?: string;
    /** Name of its state directory. */
    readonly state?: string;
    /** Of node. */
    readonly flags?: readonly string[];
  }
  function start(
    args: string,
    { config = configuration(), token = TOKEN, bot = BOT, password, state = "state", flags = [] }: Run = {},
  ): ChildProcess {
    const node = realpathSync(seedNode);
    const child = spawn(node, [...flags, entry, ...args.split(" ")], {
      cwd: home,
      env: {
        PATH: `${tailscale}:${dirname(node)}:/usr/bin:/bin`,
        HOME: home,
        // What this machine has compiled in earlier runs: the questions are the same, and a third less work.
        NODE_COMPILE_CACHE: seedCompiled,
        OPENCLAW_STATE_DIR: join(home, state),
        OPENCLAW_CONFIG_PATH: config,
        OPENCLAW_CONFIG_READONLY: "1",
        OPENCLAW_DISABLE_BONJOUR: "1",
        OPENCLAW_NO_AUTO_UPDATE: "1",
        OPENCLAW_SUPERVISOR_MODE: "external",
        OPENCLAW_NO_RESPAWN: "1",
        ...(password === undefined ? { OPENCLAW_GATEWAY_TOKEN: token } : { OPENCLAW_GATEWAY_PASSWORD: password }),
        TELEGRAM_BOT_TOKEN: bot,
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    endWithUs(child);
    return child;
  }
  const run = (args: string, options?: Run): Promise<Outcome> => finished(start(args, options));
  async function report(args: string, options?: Run): Promise<{ code: number | null; report: unknown }> {
    const { code, stdout } = await run(args, options);
    return { code, report: JSON.parse(stdout) };
  }

  it.each([
    ["update.channel", { update: { channel: "bogus" } }],
    ["agents.defaults.timeoutSeconds", { agents: { defaults: { timeoutSeconds: "none" } } }],
  ])("a gateway refuses a wrong %s", async (path, wrong) => {
    const config = configuration(wrong);
    const asked = await report("config validate --json", { config });
    expect(asked).toMatchObject({ code: 1, report: { valid: false, issues: [{ path }] } });
  });

  it("a gateway does not start with an invalid configuration", async () => {
    const path = "update.channel";
    const config = configuration({ update: { channel: "bogus" } });
    const started = await run("gateway run", { config });
    expect(started.code).toBe(78);
    expect(started.stdout + started.stderr).toContain(path);
  });

  it("a valid configuration is accepted, but no gateway starts without a mode", async () => {
    const right = await report("config validate --json");
    expect(right).toMatchObject({ code: 0, report: { valid: true } });
    const config = configuration({ gateway: { port: PORT, bind: "loopback" } });
    expect((await run("gateway run", { config })).code).toBe(78);
  });

  it("the command line reports that no gateway answers", async () => {
    expect(await report("gateway health --json --timeout 10000")).toMatchObject({ code: 1, report: { ok: false } });
    expect(await report("gateway status --deep --require-rpc --json")).toMatchObject({
      code: 1,
      report: { rpc: { ok: false }, port: { listeners: [] } },
    });
    expect((await run("gateway status --deep --json")).code).toBe(0); // it looks, and does not require one
    expect((await run("gateway probe --json")).code).toBe(1);
  });

  it("the command line names the program that listens on the gateway's port", async () => {
    const stranger = createServer((_, response) => response.end("no gateway"));
    await new Promise<void>((resolve, reject) => stranger.once("error", reject).listen(PORT, "127.0.0.1", resolve));
    try {
      expect(await report("gateway status --deep --require-rpc --json")).toMatchObject({
        code: 1,
        report: {
          rpc: { ok: false, connectFailure: { kind: "unreachable" } },
          port: { listeners: [{ pid: process.pid, address: `127.0.0.1:${PORT}` }] },
        },
      });
    } finally {
      stranger.closeAllConnections();
      stranger.close();
    }
  });

  describe("reached from elsewhere, over HTTPS and a proxy that signs people in", () => {
    const [address] = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map((each) => each.address);
    const signIn = { userHeader: "x-forwarded-user", allowUsers: ["you@example.org"], allowLoopback: true };
    const password = { source: "env", provider: "default", id: "OPENCLAW_GATEWAY_PASSWORD" };
    let path = "";
    let running: ChildProcess;
    beforeAll(async () => {
      path = configuration({
        gateway: {
          mode: "local",
          port: PORT,
          bind: "custom",
          customBindHost: address,
          trustedProxies: ["127.0.0.1"],
          auth: { mode: "trusted-proxy", password, trustedProxy: signIn },
          tls: { enabled: true, autoGenerate: true },
        },
      });
      running = start("gateway run", { config: path, password: TOKEN, state: "elsewhere" });
      await eventually("readiness", BOOT_SECONDS, async () => (await askOver(PORT, "/readyz"))?.["ready"]);
    });
    afterAll(() => {
      if (running.exitCode === null && running.signalCode === null) process.kill(-running.pid!, "SIGKILL");
    });

    it("an exposed gateway listens on loopback, too, and tells its version there", async () => {
      const expected = { ok: true, status: "started" };
      expect(await askOver(PORT, "/startupz")).toMatchObject({ ...expected, version: VERSION });
      expect(await askOver(PORT, "/startupz", { host: address })).toEqual(expected);
    });

    it("an exposed gateway accepts its token as a password", async () => {
      const invoke = async (headers: Record<string, string>): Promise<unknown> => {
        const body = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: "{}" };
        return (await askOver(PORT, "/tools/invoke", body))?.["error"];
      };
      expect(await invoke({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ type: "invalid_request" });
      expect(await invoke({ authorization: "Bearer another" })).toMatchObject({ type: "unauthorized" });
    });

    it("an exposed gateway answers its own command line", async () => {
      const run = { config: path, password: TOKEN, state: "elsewhere" };
      const reports = [
        await report("gateway health --json --timeout 10000", run),
        await report("gateway status --deep --no-probe --json", run),
        await report(ASK_CHANNELS.join(" "), run),
      ];
      expect(reports.map(({ code }) => code)).toEqual([0, 0, 0]);
      expect(reports[1]!.report).toMatchObject({ gateway: { port: PORT }, extraServices: [] });
    });
  });

  describe("that runs, with a channel", () => {
    let running: ChildProcess;
    const config = (): string =>
      configuration({
        gateway: { ...gateway, tailscale: { mode: "serve" } },
        channels: {
          telegram: {
            enabled: true,
            apiRoot: telegram.apiRoot,
            botToken: { source: "env", provider: "default", id: "TELEGRAM_BOT_TOKEN" },
            dmPolicy: "allowlist",
            allowFrom: ["4242"],
          },
        },
      });
    let path = "";
    beforeAll(async () => {
      path = config();
      rmSync(tailscaleLog, { force: true });
      running = start("gateway run", { config: path, flags: ["--max-old-space-size=1234", "--inspect-port=0"] });
      await eventually("readiness", BOOT_SECONDS, async () => (await ask(PORT, "/readyz"))?.ready);
    });
    /** With all that it started, which outlives it otherwise. */
    const killAll = (): void => {
      if (running.exitCode === null && running.signalCode === null) process.kill(-running.pid!, "SIGKILL");
    };
    afterAll(() => killAll());

    it("OpenClaw asks Tailscale to serve it, and the stand-in does not", () => {
      const isAsked = existsSync(tailscaleLog) && readFileSync(tailscaleLog, "utf8").includes("serve --yes --bg=false");
      expect(isAsked).toBe(name === "OpenClaw");
    });

    it("a running gateway reports its version and health", async () => {
      expect(await ask(PORT, "/healthz")).toEqual({ ok: true, status: "live" });
      expect(await ask(PORT, "/startupz")).toMatchObject({ ok: true, status: "started", version: VERSION });
      expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true, failing: [] });
      const unknown = await fetch(`http://127.0.0.1:${PORT}/nothing-here`);
      expect(unknown.status).toBe(200);
      expect(await unknown.text()).not.toContain('"ok"');
    });

    it("a running gateway distinguishes holders of its token", async () => {
      const invoke = async (token: string): Promise<unknown> => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const request = { method: "POST", headers, body: "{}" };
        const answer = await fetch(`http://127.0.0.1:${PORT}/tools/invoke`, request);
        const { error } = (await answer.json()) as { error: { type: string } };
        return [answer.status, error.type];
      };
      expect(await invoke(TOKEN)).toEqual([400, "invalid_request"]);
      expect(await invoke("another")).toEqual([401, "unauthorized"]);
    });

    it("a running gateway listens on both loopback addresses, in a child of its launcher", async () => {
      const found = listeners((port) => port === PORT);
      expect(found).toMatchObject([{ command: "openclaw-gatewa" }]);
      expect(found[0]!.pid).not.toBe(running.pid);
      expect((await fetch(`http://[::1]:${PORT}/healthz`)).status).toBe(200);
    });

    it("a running gateway has its launcher's heap limit, and its children do not", async () => {
      const [{ pid } = { pid: 0 }] = listeners((port) => port === PORT);
      let said = "";
      running.stderr!.on("data", (text) => (said += text));
      process.kill(pid!, "SIGUSR1");
      const debuggers = /Debugger listening on (ws:\S+)/;
      const address = await eventually("its debugger", 10, () => Promise.resolve(debuggers.exec(said)?.[1]));
      const child =
        'process.getBuiltinModule("child_process").execFileSync(process.execPath, ["-p", program]).toString()';
      const limit = 'process.getBuiltinModule("v8").getHeapStatistics().heap_size_limit / 2 ** 20';
      const question = `const program = ${JSON.stringify(limit)}; JSON.stringify([${limit}, Number(${child})])`;
      const program = `
        const socket = new WebSocket(process.argv[1]);
        const params = { expression: ${JSON.stringify(question)} };
        socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: "Runtime.evaluate", params }));
        socket.onmessage = ({ data }) => { console.log(JSON.parse(data).result.result.value); socket.close(); };`;
      const { stdout } = await finished(spawn(realpathSync(seedNode), ["--eval", program, address]));
      const [own, others] = JSON.parse(stdout) as [number, number];
      // Besides the old space there is room for what is new: up to 192.
      expect(own).toBeGreaterThanOrEqual(1234);
      expect(own).toBeLessThan(1234 + 200);
      expect(others).not.toBe(own);
    });

    it("a running gateway answers the quick checks", async () => {
      const reports = await Promise.all(
        [
          "gateway health --json --timeout 10000",
          "health --json",
          "gateway status --deep --require-rpc --json",
          "gateway probe --json",
          "status --json",
          "browser status --json",
        ].map((args) => report(args, { config: path })),
      );
      expect(reports.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(reports.map((each) => each.report)).toMatchObject([
        { ok: true },
        { ok: true },
        { rpc: { ok: true }, gateway: { version: VERSION }, extraServices: [] },
        { targets: [{ kind: "localLoopback", url: `ws://127.0.0.1:${PORT}`, connect: { ok: true } }] },
        { degradedSecretOwners: [], degradedPlugins: [] },
        { enabled: true, running: false, cdpPort: PORT + 11 },
      ]);
      expect((await run("config file", { config: path })).stdout).toContain(path);
    });

    it("a running gateway reports a wrong token", async () => {
      const wrong = { config: path, token: "another" };
      expect(await report("gateway health --json --timeout 10000", wrong)).toMatchObject({
        code: 1,
        report: { ok: false },
      });
      expect(await report("gateway status --deep --require-rpc --json", wrong)).toMatchObject({
        code: 1,
        report: { rpc: { ok: false, connectFailure: { kind: "auth-rejected" } } },
      });
    });

    const channels = async (run: Run) => {
      const { code, report: answer } = await report(ASK_CHANNELS.join(" "), run);
      expect(code).toBe(0);
      return readChannels(answer as JsonObject, ["telegram", "discrod"]);
    };
    const unknown = expect.objectContaining({
      channel: "discrod",
      state: expect.objectContaining({ is: "failing", cause: "other" }) as unknown,
    }) as unknown;

    it("a running gateway reports whether its channel is connected", async () => {
      const state = await eventually("a connected channel", 10, async () => {
        const all = await channels({ config: path });
        return all.some((each) => each.state.is === "connected") && all;
      });
      expect(state).toEqual([{ channel: "telegram", account: "default", state: { is: "connected" } }, unknown]);
    });

    it("a running gateway takes a changed configuration, and says what it makes of it", async () => {
      const config = JSON.parse(readFileSync(path, "utf8")) as { readonly gateway: object };
      const [{ pid } = { pid: 0 }] = listeners((port) => port === PORT);
      let said = "";
      for (const stream of [running.stdout!, running.stderr!]) stream.on("data", (text) => (said += text));
      const replace = (change: object): void => {
        said = "";
        writeFileSync(`${path}.new`, JSON.stringify({ ...config, ...change }));
        renameSync(`${path}.new`, path);
      };
      const word = (what: keyof ReloadWords) => eventually(what, 30, () => readReload(said)[what]);
      const defaults = (timeoutSeconds: unknown) => ({ agents: { defaults: { timeoutSeconds } } });

      replace(defaults(700));
      await word("isApplied");
      const { report: active } = await report("gateway call config.get --json", { config: path });
      const { configRevisionHash, appliedConfigHash } = active as Record<string, string>;
      expect(configRevisionHash).toMatch(/./);
      expect(appliedConfigHash).toBe(configRevisionHash);

      replace(defaults("none"));
      expect(await word("refused")).toContain("agents.defaults.timeoutSeconds");

      const changed = Date.now();
      replace({ ...defaults(700), gateway: { ...config.gateway, controlUi: { basePath: "/claw" } } });
      await word("isRestarting");
      await eventually("another start", BOOT_SECONDS, async () => {
        const { status, uptimeMs } = (await ask(PORT, "/startupz")) ?? {};
        return status === "started" && Date.now() - Number(uptimeMs) > changed;
      });
      expect(listeners((port) => port === PORT)[0]?.pid).toBe(pid);
    });

    it("a gateway exits cleanly on SIGTERM, and frees its port", async () => {
      const end = finished(running);
      running.kill("SIGTERM");
      expect((await end).code).toBe(0);
      expect(await ask(PORT, "/healthz")).toBeUndefined();
    });

    it("a gateway is ready while its channel's service is down, and not where its credentials are refused", async () => {
      await telegram.stop();
      running = start("gateway run", { config: path, bot: WRONG_BOT });
      await eventually("readiness", BOOT_SECONDS, async () => (await ask(PORT, "/readyz"))?.ready);
      const failing = { channel: "telegram", account: "default", state: { is: "failing", cause: "outage" } };
      expect(await channels({ config: path, bot: WRONG_BOT })).toMatchObject([failing, unknown]);
      await telegram.startAgain();
      await eventually("a channel that fails", 60, async () => (await ask(PORT, "/readyz"))?.ready === false);
      expect(await ask(PORT, "/readyz")).toMatchObject({ failing: ["telegram"] });
      const refused = { is: "failing", cause: "refused", reason: expect.stringContaining("401") as unknown };
      expect(await channels({ config: path, bot: WRONG_BOT })).toMatchObject([{ state: refused }, unknown]);
      killAll();
    });

    it("a gateway is ready, and reports its channel as not connected, where another program polls", async () => {
      telegram.hasOtherPoller = true;
      running = start("gateway run", { config: path });
      await eventually("readiness", BOOT_SECONDS, async () => (await ask(PORT, "/readyz"))?.ready);
      const state = await eventually("a failing channel", 20, async () => {
        const all = await channels({ config: path });
        return all[0]?.state.is === "failing" && all[0].state;
      });
      telegram.hasOtherPoller = false;
      expect(state).toMatchObject({
        cause: "other",
        reason: expect.stringContaining("getUpdates conflict") as unknown,
      });
      expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true });
    });
  });
});
