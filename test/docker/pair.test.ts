/** A pair of real gateways in containers, one with HTTPS and one behind a proxy, from its first `up` to its end. */
import { chmodSync, chownSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { askGateway } from "../../inspect/ask";
import { command } from "../lab/commands";
import { readProcess } from "./traces";
import { QUICK } from "../support/engine";
import { ok } from "../support/processes";
import { FakeTelegram } from "../support/telegram";
import { Dockerd } from "./dockerd";
import { inDocker } from "./inDocker";
import { NODE_UID, STAND_IN_IMAGE } from "./images";
import { RUN_DIRECTORY, SUBNET } from "./names";
import { DockerPair, PORTS, said, type Gateway } from "./pairs";
import { withRealGateways } from "../support/oneAtATime";

const BOT = "4711:canary-of-a-bot-0123456789abcdefghij";
const CANARIES = ["canary-of-a-variable", BOT];
/** A network of proxies, and the one that signs people in. */
const PROXIES = { network: "proxies", subnet: `${SUBNET}.1.0/24`, address: `${SUBNET}.1.5` };
const USER = "you@example.org";
const GATEWAYS: readonly Gateway[] = ["main", "rescue"];

inDocker("a pair of real gateways in containers", () => {
  withRealGateways();
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
      mounts: [{ source: certificate(), target: "/certs", readOnly: true }],
      expose: { tls: { certFile: "/certs/cert.pem", keyFile: "/certs/key.pem" } },
    });
    await dockerd.api.createNetwork({ Name: PROXIES.network, IPAM: { Config: [{ Subnet: PROXIES.subnet }] } });
    const proxy = { trustedProxies: [PROXIES.address], userHeader: "x-forwarded-user", allowUsers: [USER] };
    Object.assign(pair.args.rescue, {
      networks: [PROXIES.network],
      expose: { proxy: { ...proxy, allowedOrigins: ["https://claw.example.org"] } },
    });
  });
  afterAll(async () => {
    await pair?.dispose();
    await telegram?.stop();
    await dockerd?.stop();
  });

  /** Of one's own, where the gateways' user can read it. */
  function certificate(): string {
    const directory = mkdtempSync(join(RUN_DIRECTORY, "certs-"));
    const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "cert.pem")];
    command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=claw", ...files);
    for (const name of ["", "key.pem", "cert.pem"]) chownSync(join(directory, name), NODE_UID, NODE_UID);
    chmodSync(directory, 0o500);
    return directory;
  }

  it("a pair comes up healthy, and a second up changes nothing", async () => {
    expect((await pair.shownUp()).plan).toContain("claw-rescue-container");
    await pair.healthy("main");
    // Its token is for its own machine only, behind the proxy.
    expect(await askGateway(PORTS.rescue, "/startupz")).toEqual({ ok: true, status: "started" });
    expect(await pair.version("rescue")).toBeUndefined();
    expect(ok(await pair.up("--refresh", "--expect-no-changes")).stdout).toMatch(/\d+ unchanged/);
    const { mainCommand, mainUrl } = await pair.stack.outputs();
    expect(mainUrl).toBe(`https://127.0.0.1:${PORTS.main}`);
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

  it("the quick checks find both containers healthy", async () => {
    for (const gateway of GATEWAYS) {
      expect(await inside(gateway, "openclaw", "gateway", "health", "--json")).toMatch(/"ok": true/);
      const status = await inside(gateway, "openclaw", "gateway", "status", "--deep", "--require-rpc", "--json");
      expect(JSON.parse(status.slice(status.indexOf("{")))).toMatchObject({ rpc: { ok: true } });
    }
  });

  it("a container lets in whom its proxy signs in, and nobody else", async () => {
    const asked = async (address: string, user: string): Promise<unknown> => {
      const url = `http://${pair.name("rescue")}:18789/tools/invoke`;
      const headers = {
        "content-type": "application/json",
        "x-forwarded-user": user,
        "x-forwarded-for": "203.0.113.9",
      };
      const request = JSON.stringify({ method: "POST", headers, body: "{}" });
      const script = `fetch("${url}", ${request}).then((answer) => answer.json()).then(({ error }) => console.log(error.type))`;
      const client = await dockerd.api.createContainer({
        Image: STAND_IN_IMAGE,
        Cmd: ["node", "--eval", script],
        Tty: true,
        HostConfig: { NetworkMode: PROXIES.network },
        NetworkingConfig: { EndpointsConfig: { [PROXIES.network]: { IPAMConfig: { IPv4Address: address } } } },
      });
      await client.start();
      await client.wait();
      const said = (await client.logs({ stdout: true, stderr: true })).toString().trim();
      await client.remove();
      return said;
    };
    expect(await asked(PROXIES.address, USER)).toBe("invalid_request");
    expect(await asked(PROXIES.address, "somebody@example.org")).toBe("unauthorized");
    expect(await asked(`${SUBNET}.1.6`, USER)).toBe("proxy_attribution_required");
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
