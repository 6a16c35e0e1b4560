/** A pair of real gateways in containers, from its first `up` to its end. */
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { command } from "../lab/commands";
import { readProcess } from "./traces";
import { QUICK } from "../support/engine";
import { ok } from "../support/processes";
import { FakeTelegram } from "../support/telegram";
import { Dockerd } from "./dockerd";
import { inDocker } from "./inDocker";
import { SUBNET } from "./names";
import { DockerPair, PORTS, said, type Gateway } from "./pairs";

const BOT = "4711:canary-of-a-bot-0123456789abcdefghij";
const CANARIES = ["canary-of-a-variable", BOT];
const GATEWAYS: readonly Gateway[] = ["main", "rescue"];

inDocker("a pair of real gateways in containers", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;
  let telegram: FakeTelegram;

  beforeAll(async () => {
    vi.stubEnv(QUICK, "");
    dockerd = await Dockerd.start();
    pair = await DockerPair.ofOpenclaw(dockerd);
    telegram = await FakeTelegram.start([BOT], `${SUBNET}.0.1`);
    Object.assign(pair.args.main, {
      env: { SOME_KEY: CANARIES[0] },
      telegram: { botToken: BOT, allowFrom: ["4242"], apiRoot: telegram.apiRoot },
    });
  });
  afterAll(async () => {
    await pair?.dispose();
    await telegram?.stop();
    await dockerd?.stop();
  });

  it("a pair comes up healthy, and a second up changes nothing", async () => {
    expect((await pair.shownUp()).plan).toContain("claw-rescue-container");
    for (const gateway of GATEWAYS) await pair.healthy(gateway);
    expect(ok(await pair.up("--refresh", "--expect-no-changes")).stdout).toMatch(/\d+ unchanged/);
    const { mainCommand, mainUrl } = await pair.stack.outputs();
    expect(mainUrl).toBe(`http://127.0.0.1:${PORTS.main}`);
    expect(mainCommand).toBe(`docker -H ${dockerd.host} exec ${pair.name("main")} openclaw`);
  });

  it("the containers are hardened, and published on loopback only", async () => {
    const { Config, HostConfig, NetworkSettings } = await pair.container("main").inspect();
    expect(Config.User).toBe("1000:1000");
    // OpenClaw's own limit for the memory that it has.
    expect(readProcess(`${await pair.pid("main")}`, "cmdline")).toContain("--max-old-space-size=1536");
    expect(HostConfig).toMatchObject({
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: true,
      Init: true,
      Memory: 2 ** 31,
      MemorySwap: 2 ** 31,
      NanoCpus: 2e9,
      PidsLimit: 512,
      RestartPolicy: { Name: "unless-stopped" },
      LogConfig: { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } },
    });
    expect(Object.keys(NetworkSettings.Networks)).toEqual([pair.name("main")]);
    for (const port of Object.values(PORTS))
      expect(command("ss", "-Hltn", `sport = :${port}`).trim().split("\n")).toEqual([
        expect.stringContaining(` 127.0.0.1:${port} `),
      ]);
    const attempts = [
      "touch /app/x",
      "touch /etc/openclaw/x",
      "cat /etc/openclaw/openclaw.json >/dev/null && echo read",
    ];
    expect(await inside("main", "sh", "-c", attempts.join("; "))).toMatch(/Read-only[^]*Read-only[^]*read/);
    expect(await inside("main", "sh", "-c", "ls /var/run/docker.sock")).toContain("No such file");
  });

  async function inside(gateway: Gateway, ...line: string[]): Promise<string> {
    const exec = await pair.container(gateway).exec({ Cmd: line, AttachStdout: true, AttachStderr: true, Tty: true });
    return text(await exec.start({ Tty: true }));
  }

  it("the containers pass the page's quick checks", async () => {
    for (const gateway of GATEWAYS) {
      expect(await inside(gateway, "openclaw", "gateway", "health", "--json")).toMatch(/"ok": true/);
      const status = await inside(gateway, "openclaw", "gateway", "status", "--deep", "--require-rpc", "--json");
      expect(JSON.parse(status.slice(status.indexOf("{")))).toMatchObject({ rpc: { ok: true } });
    }
  });

  it("no secret is shown", async () => {
    const tokens = Object.entries(await pair.stack.outputs())
      .filter(([name]) => name.endsWith("Token"))
      .map(([, value]) => value as string);
    const secrets = [...CANARIES, ...tokens];
    const shown: Record<string, string> = {
      state: ok(await pair.stack.run(["stack", "export"])).stdout,
      transcript: pair.stack.transcript,
      "dockerd's log": dockerd.log(),
    };
    for (const gateway of GATEWAYS) {
      const { Image, ...inspected } = await pair.container(gateway).inspect();
      shown[`inspect of ${gateway}`] = JSON.stringify(inspected);
      shown["history"] = JSON.stringify(await dockerd.api.getImage(Image).history());
      shown[`log of ${gateway}`] = (await pair.container(gateway).logs({ stdout: true, stderr: true })).toString();
      const { Processes } = (await pair.container(gateway).top()) as { Processes: string[][] };
      expect(Processes.length).toBeGreaterThan(1);
      for (const [, pid] of Processes) shown[`arguments of ${pid}`] = readProcess(pid!, "cmdline");
    }
    for (const [where, what] of Object.entries(shown))
      for (const secret of secrets) expect(what.includes(secret), `a secret in ${where}`).toBe(false);
    // It is there: the gateway has it, from its file.
    const { Processes } = (await pair.container("main").top()) as { Processes: string[][] };
    expect(Processes.some(([, pid]) => readProcess(pid!, "environ").includes(CANARIES[0]!))).toBe(true);
  });

  it("a bot that Telegram does not know is refused", async () => {
    const before = await pair.ids();
    const { telegram } = pair.args.main as { telegram: { botToken: string } };
    telegram.botToken = "4711:canary-of-another-bot-0123456789abcd";
    const failed = await pair.up();
    expect(said(failed)).toContain("Telegram does not know the bot of claw-main: its token is wrong");
    expect(said(failed)).not.toContain(telegram.botToken);
    expect(await pair.ids()).toEqual(before);
    telegram.botToken = BOT;
  });

  it("destroy leaves nothing but the volumes", async () => {
    ok(await pair.prepared().destroy());
    expect(await pair.ids()).toEqual({});
    expect(await pair.volumes()).toEqual(
      GATEWAYS.flatMap((gateway) => [`${pair.name(gateway)}-state`, `${pair.name(gateway)}-workspace`]),
    );
  });
});
