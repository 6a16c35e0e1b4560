import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, eventually, finished, isRunning, ok, temporaryRoot, TestHost, TEST_ACCOUNT } from "../support/hosts";
import { isSoak } from "../support/soak";
import { placeRelease, VERSION } from "../support/seed";
import { FakeTelegram } from "../support/telegram";

const PORT = 22000;
const asRoot = process.getuid!() === 0;
const config = (channel: string) => ({ basePort: PORT, config: { update: { channel } } });
const environOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, "utf8");

describe("one gateway, from nothing to removed and back", () => {
  let host: TestHost;
  beforeAll(() => {
    host = new TestHost();
    placeRelease(host.root, "main");
  });
  afterAll(() => host.dispose());

  it("a gateway comes up healthy", async () => {
    const outcome = ok(await host.up("main", host.describe(config("stable"))));
    expect(outcome.stdout.trim()).toBe(`now healthy: OpenClaw ${VERSION} on 127.0.0.1:${PORT}`);
    expect(await ask(PORT, "/startupz")).toMatchObject({ ok: true, status: "started", version: VERSION });
    expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true });
    expect(host.current("main")).toBe(host.good("main"));
  });

  it.runIf(asRoot)("a gateway runs as its own account, which cannot change its configuration or program", () => {
    const uid = Number(execFileSync("id", ["-u", TEST_ACCOUNT], { encoding: "utf8" }));
    expect(statSync(`/proc/${host.gatewayPid("main")}`).uid).toBe(uid);
    expect(uid).not.toBe(0);
    const generation = join(host.dir("main"), host.current("main")!);
    for (const path of [
      host.manage,
      host.dir("main"),
      generation,
      join(generation, "openclaw.json"),
      join(host.dir("main"), "releases", VERSION),
    ])
      expect(statSync(path).uid, path).toBe(0);
    expect(statSync(join(generation, "openclaw.json")).mode & 0o777).toBe(0o640);
    expect(statSync(generation).mode & 0o777).toBe(0o750);
    expect(statSync(join(host.dir("main"), "secrets")).mode & 0o777).toBe(0o750);
    const foundWritable = execFileSync("find", [host.manage, "-perm", "/022", "!", "-type", "l"], { encoding: "utf8" });
    expect(foundWritable).toBe("");
  });

  it("a gateway inherits nothing of the deployer's environment", () => {
    for (const pid of [host.gatewayPid("main"), host.supervisorPid("main")])
      expect(environOf(pid)).not.toContain("canary-passphrase");
    expect(environOf(host.supervisorPid("main"))).not.toContain("token-of-main");
  });

  it("a gateway answers through its wrapper whatever the caller's environment says", async () => {
    const foreign = {
      OPENCLAW_STATE_DIR: "/nowhere",
      OPENCLAW_CONFIG_PATH: "/nowhere/openclaw.json",
      OPENCLAW_GATEWAY_PORT: "1",
      OPENCLAW_PROFILE: "rescue",
      NODE_OPTIONS: "--require=/nowhere.js",
    };
    const health = ok(await host.wrapper("main", ["health", "--json"], foreign));
    expect(JSON.parse(health.stdout)).toMatchObject({ ok: true });
    const file = ok(await host.wrapper("main", ["config", "file"], foreign));
    expect(file.stdout).toContain(join(host.dir("main"), "current", "openclaw.json"));
  });

  it("a gateway writes no core file, has no privilege beyond its account's, and stops before the machine does", () => {
    const proc = (name: string): string => readFileSync(`/proc/${host.gatewayPid("main")}/${name}`, "utf8");
    expect(proc("status")).toMatch(/^NoNewPrivs:\t1$/m);
    expect(proc("limits")).toMatch(/^Max core file size +0 +0 /m);
    expect(proc("oom_score_adj").trim()).toBe("200");
    if (!asRoot) return;
    expect(proc("status")).toMatch(/^CapBnd:\t0+$/m);
    expect(proc("limits")).toMatch(/^Max processes +4096 +4096 /m);
  });

  // The real one has no command that runs a shell, as the stand-in has for a bot's.
  describe.runIf(asRoot && !isSoak)("in root's terminal", () => {
    let files: string;
    beforeAll(() => void (files = temporaryRoot()));
    afterAll(() => rmSync(files, { recursive: true }));

    /** What a script of root's prints that has a terminal. */
    async function terminal(...lines: string[]): Promise<string> {
      const script = join(files, "in-terminal");
      writeFileSync(script, lines.join("\n"));
      const { stdout } = await finished(spawn("script", ["-qec", `sh ${script}`, "/dev/null"]));
      return stdout.replaceAll("\r", "");
    }
    const wrapper = (): string => join(host.layout.binDir, "openclaw-main");

    it("a gateway's commands get a terminal of their own, and cannot type into root's", async () => {
      const [attack, seen] = ["attack", "seen"].map((name) => join(files, name)) as [string, string];
      // TIOCSTI: as if it were typed on the terminal.
      const type = `ioctl($terminal, 0x5412, $_) for split //, "canary-command\\n"`;
      writeFileSync(attack, `for my $n (0, 1, 2) { open(my $terminal, "+<&=", $n) or next; ${type} }\n`);
      writeFileSync(seen, "");
      chmodSync(seen, 0o666);
      const said = await terminal(
        "tty; stty -echo",
        `${wrapper()} shell -c 'tty >${seen}; perl ${attack}'; echo ended with $?`,
        "stty -icanon min 0 time 5",
        `echo "typed: $(head -c 99)"`,
      );
      const [own, roots] = [readFileSync(seen, "utf8"), said].map((text) => /\/dev\/pts\/\d+/.exec(text)?.[0]);
      expect(said).toMatch(/^ended with 0$/m);
      expect(said).toMatch(/^typed: $/m);
      expect(own).toBeDefined();
      expect(own).not.toBe(roots);
    });

    it("a gateway's commands get no terminal where their output goes elsewhere", async () => {
      const output = join(files, "output");
      const look = "for n in 0 1 2; do readlink /proc/self/fd/$n; done; exit 7";
      const said = await terminal(`${wrapper()} shell -c '${look}' >${output}; echo ended with $?`);
      expect(readFileSync(output, "utf8")).toMatch(/^\/dev\/null\n\S+\/output\nsocket:/);
      expect(said).toMatch(/^ended with 7$/m);
    });
  });

  it("applying what is already deployed touches nothing", async () => {
    const pid = host.gatewayPid("main");
    const before = statSync(join(host.dir("main"), "current"), { bigint: true }).ctimeNs;
    const outcome = ok(await host.up("main", host.describe(config("stable"))));
    expect(outcome.stdout).toContain("already healthy");
    expect(outcome.stderr).toBe("");
    expect(host.gatewayPid("main")).toBe(pid);
    expect(statSync(join(host.dir("main"), "current"), { bigint: true }).ctimeNs).toBe(before);
  });

  it("a gateway keeps running when OpenClaw refuses the new configuration", async () => {
    const pid = host.gatewayPid("main");
    const generation = host.current("main");
    const outcome = await host.up("main", host.describe(config("bogus")));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/did not come into force: OpenClaw refuses it: update\.channel: /);
    expect(outcome.stderr).toContain("The former configuration is in force again; the gateway never stopped.");
    expect([host.gatewayPid("main"), host.current("main")]).toEqual([pid, generation]);
  });

  it("a gateway takes a new configuration while it runs", async () => {
    const [pid, generation] = [host.gatewayPid("main"), host.current("main")];
    const outcome = ok(await host.up("main", host.describe(config("beta"))));
    expect(outcome.stdout).toContain("; changed while it ran");
    expect([host.gatewayPid("main"), host.current("main")]).toEqual([pid, generation]);
    expect(readdirSync(join(host.dir("main"), "generations"))).toHaveLength(1);
    const current = JSON.parse(readFileSync(join(host.dir("main"), "current", "openclaw.json"), "utf8")) as {
      update: object;
    };
    expect(current.update).toMatchObject({ channel: "beta" });
  });

  it("a gateway takes a new token while it runs, and refuses the old one", async () => {
    const pid = host.gatewayPid("main");
    const knows = async (token: string): Promise<boolean> => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      return (
        (await fetch(`http://127.0.0.1:${PORT}/tools/invoke`, { method: "POST", headers, body: "{}" })).status === 400
      );
    };
    ok(await host.up("main", host.describe(config("beta")), { OPENCLAW_GATEWAY_TOKEN: "second-token" }));
    ok(await host.wrapper("main", ["gateway", "health", "--json"]));
    expect([await knows("second-token"), await knows("token-of-main")]).toEqual([true, false]);
    expect(host.gatewayPid("main")).toBe(pid);
    expect(environOf(pid)).not.toContain("second-token");
    const secrets = readdirSync(join(host.dir("main"), "secrets"));
    expect(secrets.filter((name) => name.endsWith(".given.json"))).toHaveLength(1);
  });

  it("a gateway restarts inside its process where a key needs that", async () => {
    const pid = host.gatewayPid("main");
    const changed = {
      ...config("beta"),
      config: { ...config("beta").config, gateway: { controlUi: { basePath: "/claw" } } },
    };
    const outcome = ok(await host.up("main", host.describe(changed), { OPENCLAW_GATEWAY_TOKEN: "second-token" }));
    expect(outcome.stdout).toContain("; it has restarted inside its process");
    expect(host.gatewayPid("main")).toBe(pid);
    ok(await host.up("main", host.describe(config("beta")), { OPENCLAW_GATEWAY_TOKEN: "second-token" }));
  });

  it("a gateway comes back when it is killed", async () => {
    const pid = host.gatewayPid("main");
    process.kill(pid, "SIGKILL");
    await eventually("a new process", 20, () => ![pid, NaN].includes(host.gatewayPid("main")));
    await eventually("healthy again", 60, () => ask(PORT, "/startupz"));
    ok(await host.wrapper("main", ["gateway", "health", "--json"]));
  });

  it("a gateway is one process again after its supervisor was killed", async () => {
    const [supervisor, gateway] = [host.supervisorPid("main"), host.gatewayPid("main")];
    process.kill(supervisor, "SIGKILL");
    ok(await host.up("main", host.describe(config("beta")), { OPENCLAW_GATEWAY_TOKEN: "second-token" }));
    expect([isRunning(supervisor), isRunning(gateway)]).toEqual([false, false]);
    expect(isRunning(host.supervisorPid("main"))).toBe(true);
    ok(await host.wrapper("main", ["gateway", "health", "--json"]));
  });

  it("a gateway can be started by hand where all its processes are gone, as after a reboot", async () => {
    const pids = [host.supervisorPid("main"), host.gatewayPid("main")];
    for (const pid of pids) process.kill(pid, "SIGKILL");
    expect(ok(await host.run("start", ["main"])).stdout).toContain("now healthy");
    expect(ok(await host.run("start", ["main"])).stdout).toContain("already healthy");
    ok(await host.wrapper("main", ["gateway", "health", "--json"]));
  });

  it("removal keeps the data, which the same stack finds again and another one does not", async () => {
    const [supervisor, gateway] = [host.supervisorPid("main"), host.gatewayPid("main")];
    const diary = join(host.root, ".openclaw", "workspace", "diary.md");
    writeFileSync(diary, "dear diary");
    ok(await host.run("remove", ["main"]));
    expect([isRunning(supervisor), isRunning(gateway)]).toEqual([false, false]);
    expect(await ask(PORT, "/startupz")).toBeUndefined();
    expect(existsSync(host.dir("main"))).toBe(false);
    expect(existsSync(join(host.layout.binDir, "openclaw-main"))).toBe(false);
    ok(await host.run("remove", ["main"])); // again: nothing to do

    const stranger = await host.run(
      "claim",
      ["main"],
      host.describe(config("beta"), { stack: "other/other/other" }).claim,
    );
    expect(stranger.stderr).toMatch(/stateDir: .* was kept for gateway main of stack test\/test\/test/);

    placeRelease(host.root, "main");
    ok(await host.up("main", host.describe(config("beta"), { ownerId: "another id, the same stack" })));
    expect(readFileSync(diary, "utf8")).toBe("dear diary");
  });

  it("nothing of ours stays when the host is left", async () => {
    ok(await host.run("leave", [])); // a gateway is there: nothing happens
    expect(existsSync(host.manage)).toBe(true);
    ok(await host.run("remove", ["main"]));
    ok(await host.run("leave", []));
    expect(readdirSync(host.root)).toEqual([".openclaw"]);
  });
});

describe("a gateway whose channel does not connect", () => {
  const TOKEN = "4711:the-right-token";
  let host: TestHost;
  let telegram: FakeTelegram;
  beforeAll(async () => {
    telegram = await FakeTelegram.start([TOKEN]);
    host = new TestHost();
    placeRelease(host.root, "main");
  });
  afterAll(async () => {
    await host.dispose();
    await telegram.stop();
  });
  const args = () => ({ basePort: PORT, telegram: { botToken: "x", apiRoot: telegram.apiRoot, allowFrom: ["4242"] } });

  it("a gateway comes up without a channel, and gets its first bot later", async () => {
    ok(await host.up("main", host.describe({ basePort: PORT })));
    ok(await host.up("main", host.describe(args()), { TELEGRAM_BOT_TOKEN: TOKEN }));
    expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true });
  });

  it("a wrong bot token brings back exactly the old generation, and is not shown", async () => {
    const generation = host.current("main");
    const outcome = await host.up("main", host.describe(args()), { TELEGRAM_BOT_TOKEN: "666:canary-wrong-token" });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/did not come into force: its credentials were rejected: telegram: 401 /);
    expect(outcome.stderr).toContain("The former configuration is in force again; the gateway never stopped.");
    expect(outcome.stderr).toContain("Its last log lines:");
    expect(outcome.stderr).not.toContain("canary-wrong-token");
    expect([host.current("main"), host.good("main")]).toEqual([generation, generation]);
    expect(await eventually("ready again", 30, async () => (await ask(PORT, "/readyz"))?.ready)).toBe(true);
    expect(environOf(host.gatewayPid("main"))).not.toContain(TOKEN);
  });

  it("a new channel that does not work brings back the old generation, with the reason", async () => {
    const generation = host.current("main");
    const withChannel = { ...args(), config: { channels: { discrod: { enabled: true } } } };
    const outcome = await host.up("main", host.describe(withChannel), { TELEGRAM_BOT_TOKEN: TOKEN });
    expect(outcome.stderr).toMatch(/not connected within \d+ s: discrod: OpenClaw does not know this channel/);
    expect(host.current("main")).toBe(generation);
  });

  it("a bot that another program polls brings back the old generation", async () => {
    telegram.hasOtherPoller = true;
    const [generation, outcome] = [
      host.current("main"),
      await host.up(
        "main",
        host.describe({ ...args(), telegram: { ...args().telegram, allowFrom: ["4242", "4243"] } }),
        {
          TELEGRAM_BOT_TOKEN: TOKEN,
        },
      ),
    ];
    telegram.hasOtherPoller = false;
    expect(outcome.stderr).toMatch(/not connected within \d+ s: telegram: Telegram getUpdates conflict/);
    expect(host.current("main")).toBe(generation);
  });

  it("a gateway is changed even while Telegram is down, and reports that", async () => {
    await telegram.stop();
    const telegramArgs = { ...args().telegram, allowFrom: ["4242", "4244"] };
    const changed = host.describe({ ...args(), telegram: telegramArgs, config: { update: { channel: "beta" } } });
    const outcome = ok(await host.up("main", changed, { TELEGRAM_BOT_TOKEN: TOKEN }));
    expect(outcome.stderr).toMatch(/channel telegram: /);
    expect(host.current("main")).toBe(host.good("main"));
  });
});
