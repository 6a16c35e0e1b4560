import { describe, expect, it } from "vitest";
import { checkGateways, render } from "../../cli/check";
import { complaintIn, type CommandAnswer } from "../../cli/ask";
import { gatewaysOfState, type CheckedGateway } from "../../cli/gateways";
import { interpret, interpretListeners, interpretUnits } from "../../cli/interpret";

const main: CheckedGateway = {
  name: "main",
  isOurs: true,
  url: "http://127.0.0.1:18789",
  port: 18789,
  version: "2026.9.6",
  command: "openclaw-main",
  stateDir: "/h/.openclaw",
};
const rescue: CheckedGateway = {
  ...main,
  name: "rescue",
  url: "http://127.0.0.1:19789",
  port: 19789,
  command: "openclaw-rescue",
  stateDir: "/h/.openclaw-rescue",
};

const answer = (report: object | undefined, code: number | null = 0): CommandAnswer => ({
  code,
  report: report as CommandAnswer["report"],
  complaint: "",
});
const up = { rpc: { ok: true }, gateway: { version: "2026.9.6" }, extraServices: [] };
const probe = (urls: readonly string[], ...codes: string[]) => ({
  targets: urls.map((url) => ({ url, connect: { ok: true } })),
  warnings: codes.map((code) => ({ code })),
});
const looked = (service: object, probed: object = probe(["ws://127.0.0.1:18789"]), more: object = {}) =>
  interpret(
    { gateway: main, answers: { health: "healthy", service: answer(service), probe: answer(probed), ...more } },
    [main, rescue],
  );

describe("what the answers mean", () => {
  it("the probe's warning about several gateways is a note where they are known", () => {
    const both = probe(["ws://127.0.0.1:18789", "ws://127.0.0.1:19789"], "multiple_gateways", "probe_scope_limited");
    expect(looked(up, both)).toMatchObject({
      row: { probe: "2 reachable" },
      findings: [
        { level: "note", text: "`gateway probe` warns about several gateways: this is expected, they run on purpose" },
      ],
    });
  });

  it("a Node.js that is too old for an existing main is reported with advice", () => {
    const stderr =
      "openclaw: Node 20.20.2: node:sqlite is unavailable; use 24.16+/26.1+ or a build with the fix.\n" +
      "If you use nvm, run:\n  nvm install 26\n  nvm alias default 26\n";
    const failed = (complaint: string, more: object = {}) => {
      const gateway = { ...main, isOurs: false, command: "openclaw", ...more };
      const service = { ...answer(undefined, 1), complaint };
      return interpret({ gateway, answers: { health: "down", service, probe: answer(undefined, 1) } }, []).findings[0];
    };
    const { text, advice } = failed(complaintIn(stderr), { isDescribed: true })!;
    expect(text).toMatch(/^`openclaw gateway status` failed: openclaw: Node 20\.20\.2: node:sqlite is unavailable/);
    expect(advice).toMatch(/^run this where a Node\.js that is new enough/);
    expect(advice).toContain(`make config ARGS="set --path rescue.existingMain.command 'env PATH=/NEWER/NODE/bin`);
    expect(failed(complaintIn("sh: 1: openclaw: not found\n"))).toMatchObject({
      text: "`openclaw gateway status` failed: sh: 1: openclaw: not found",
      advice: "run this where `openclaw` is in PATH",
    });
  });

  it("without a token, a gateway that no stack owns is up by its own endpoints", () => {
    const foreign = { ...main, isOurs: false };
    const refused = { rpc: { ok: false, connectFailure: { kind: "unreachable" } } };
    const held = { ...refused, port: { listeners: [{ command: "openclaw-gatewa", pid: 4711 }] } };
    const asked = (health: string) => ({ health, service: answer(held, 1), probe: answer(probe([])) });
    expect(interpret({ gateway: foreign, answers: asked("healthy") }, [foreign])).toMatchObject({
      row: { service: "up" },
      findings: [{ level: "note", text: "is up, but this shell does not have its token" }],
    });
    expect(interpret({ gateway: foreign, answers: asked("up, not ready: telegram") }, [foreign])).toMatchObject({
      row: { service: "up, not ready: telegram" },
      findings: [{ level: "problem", text: "is up, not ready: telegram" }],
    });
    expect(interpret({ gateway: foreign, answers: asked("another program answers") }, [foreign])).toMatchObject({
      row: { service: "another program" },
      findings: [{ level: "problem" }],
    });
  });

  it("an unknown gateway is suspicious", () => {
    const stranger = probe(["ws://127.0.0.1:18789", "ws://10.0.0.9:18789"], "multiple_gateways");
    expect(looked(up, stranger).findings).toMatchObject([
      {
        level: "problem",
        text: "`gateway probe` reaches a gateway that is not among those checked: ws://10.0.0.9:18789",
      },
    ]);
  });

  it("another version than the stack's is reported", () => {
    expect(looked({ ...up, gateway: { version: "2026.10.0" } })).toMatchObject({
      row: { service: "up, 2026.10.0" },
      findings: [{ level: "problem", text: "runs OpenClaw 2026.10.0, but the stack says 2026.9.6" }],
    });
  });

  it("services that OpenClaw calls extra are named with their files", () => {
    const extraServices = [{ label: "clawdbot.service", detail: "unit: /etc/systemd/system/clawdbot.service" }];
    expect(looked({ ...up, extraServices }).findings).toMatchObject([
      {
        level: "note",
        text: "another service of a gateway is installed: clawdbot.service (unit: /etc/systemd/system/clawdbot.service)",
      },
    ]);
  });

  it("a gateway that did not answer in time is reported", () => {
    const answers = { health: "down", service: answer(undefined, null), probe: answer(undefined, null) };
    expect(interpret({ gateway: main, answers }, [main])).toMatchObject({
      row: { service: "no answer", probe: "not asked", status: "not asked", browser: "not asked" },
      findings: [{ level: "problem", text: "`openclaw-main gateway status` did not finish in time" }],
    });
    const late = { status: answer(undefined, null), browser: answer(undefined, null) };
    expect(looked(up, undefined, late).findings.map(({ text }) => text)).toEqual([
      "`status` did not answer in time",
      "`browser status` did not answer in time",
    ]);
  });

  it("a degraded gateway, and a browser outside its ports, are reported", () => {
    const status = answer({ degradedPlugins: [{}], modelRuntime: { degraded: true } });
    const browser = answer({ enabled: true, running: true, cdpPort: 9222, cdpUrl: "http://127.0.0.1:9222" });
    expect(looked(up, undefined, { status, browser })).toMatchObject({
      row: { status: "degraded: plugins, models", browser: "running, CDP 9222" },
      findings: [
        { level: "note", text: "is degraded: plugins, models" },
        { level: "note", text: "its browser's CDP port 9222 is outside its ports 18789-18899" },
      ],
    });
    const contained = { ...main, published: { first: 18789, last: 18789 } };
    const answers = { health: "healthy", service: answer(up), probe: answer(probe(["ws://127.0.0.1:18789"])), browser };
    expect(interpret({ gateway: contained, answers }, [contained]).findings).toEqual([]);
    const remote = answer({ enabled: true, running: false, cdpPort: 9222, cdpUrl: "http://browser.example:9222" });
    expect(looked(up, undefined, { browser: remote }).findings).toEqual([]);
  });
});

describe("channels", () => {
  const failing = { accountId: "default", configured: true, running: false, lastError: "getUpdates conflict" };
  const issue = { channel: "discord", accountId: "default", message: "guilds are blocked", fix: "add one" };
  const channels = answer({
    channelAccounts: { discord: [{ accountId: "default", running: true }], telegram: [failing] },
    statusIssues: [issue, { ...issue, channel: "telegram" }],
  });
  const found = (gateway: CheckedGateway) => {
    const answers = {
      health: "healthy",
      service: answer(up),
      probe: answer(probe([])),
      channels,
      configured: ["discrod"],
    };
    return interpret({ gateway, answers }, [gateway]);
  };

  it("channels that do not work are problems with their reasons; OpenClaw's other remarks are notes", () => {
    expect(found(main)).toMatchObject({
      row: { channels: "discord, telegram failing, discrod failing" },
      findings: [
        { level: "problem", text: "channel telegram does not work: getUpdates conflict" },
        {
          level: "problem",
          text: expect.stringContaining("channel discrod does not work: OpenClaw does not know") as string,
        },
        { level: "note", text: "channel discord: guilds are blocked", advice: "add one" },
      ],
    });
  });

  it("channels of a gateway that no stack owns may be off on purpose", () => {
    expect(found({ ...main, isOurs: false }).findings.map(({ level }) => level)).toEqual(["note", "note", "note"]);
  });
});

describe("what needs no command line", () => {
  it("a channel that is not connected is reported without the command line", () => {
    const answers = { health: "up, not ready: telegram", service: answer(up), probe: answer(probe([])) };
    expect(interpret({ gateway: main, answers }, [main]).findings).toMatchObject([
      { level: "problem", text: "is up, not ready: telegram" },
    ]);
  });

  it("a gateway of another user is asked over HTTP alone", () => {
    const foreign = { ...main, isOurs: false, restart: "systemctl restart x" };
    expect(interpret({ gateway: foreign, answers: { health: "healthy" } }, [foreign])).toMatchObject({
      row: { service: "healthy", probe: "not asked", status: "not asked", browser: "not asked" },
      findings: [{ level: "note" }],
    });
    expect(interpret({ gateway: foreign, answers: { health: "down" } }, [foreign]).findings).toMatchObject([
      { level: "problem", text: "is not healthy: down", advice: "systemctl restart x" },
      { level: "note" },
    ]);
  });
});

describe("what the machine has beside them", () => {
  it("the unit of a gateway that no stack owns is no older installation", () => {
    const foreign = { ...main, isOurs: false, restart: "systemctl --user restart openclaw-gateway.service" };
    const path = "/h/.config/systemd/user/openclaw-gateway.service";
    expect(interpretUnits([{ path, port: 18789 }], [foreign])).toEqual([]);
    expect(interpretUnits([{ path, port: 18789 }], [main])).toMatchObject([{ level: "problem", gateway: "main" }]);
    const named = { ...foreign, restart: "systemctl restart openclaw-gateway" };
    expect(interpretUnits([{ path, port: 18789 }], [named])).toEqual([]);
    const handWritten = "/etc/systemd/system/bot.service";
    expect(interpretUnits([{ path: handWritten, port: 18789 }], [named])).toEqual([]);
    expect(interpretUnits([{ path, port: undefined }], [main])).toMatchObject([{ level: "note" }]);
  });

  it("gateways on unknown ports are reported", () => {
    expect(interpretListeners([18789, 18799, 30000], [main]).map(({ text }) => text)).toEqual([
      "another gateway listens on port 30000",
    ]);
    const contained = { ...main, published: { first: 18789, last: 18789 } };
    expect(interpretListeners([18789, 18799], [contained]).map(({ text }) => text)).toEqual([
      "another gateway listens on port 18799",
    ]);
  });
});

describe("the gateways of a stack", () => {
  const urn = (name: string) => `urn:pulumi:dev::p::openclaw:index:Gateway::${name}`;
  const outputs = {
    ports: { gateway: 19789 },
    url: "http://127.0.0.1:19789",
    version: "2026.9.6",
    wrapper: "/b/openclaw-rescue",
    stateDir: "/s",
  };
  const state = (resource: object) =>
    JSON.stringify({ deployment: { resources: [{ type: "openclaw:index:Gateway", urn: urn("r"), ...resource }] } });

  it("the gateways of a stack are read from its state, with the one beside them", () => {
    const existingMain = { url: "http://127.0.0.1:18789", command: "openclaw", stateDir: "/h/.openclaw" };
    expect(gatewaysOfState(state({ outputs: { ...outputs, existingMain } }))).toMatchObject({
      neverUp: [],
      gateways: [
        { name: "main", isOurs: false, port: 18789, command: "openclaw", stateDir: "/h/.openclaw" },
        { name: "r", isOurs: true, port: 19789, version: "2026.9.6", command: "/b/openclaw-rescue", stateDir: "/s" },
      ],
    });
  });

  it("gateways that were never healthy are reported", async () => {
    const stack = gatewaysOfState(state({}));
    expect(stack).toEqual({ gateways: [], neverUp: ["r"], elsewhere: [] });
    const result = await checkGateways(stack, []);
    expect(result.ok).toBe(false);
    expect(render(result)).toMatch(/^problem: r: is in the stack, but has never become healthy$/m);
  });

  it("gateways on another machine are not confused with what listens here", async () => {
    const resources = [
      { type: "openclaw:index:Gateway", urn: urn("r"), outputs },
      { type: "command:remote:Command", urn: "x", parent: urn("r") },
    ];
    const stack = gatewaysOfState(JSON.stringify({ deployment: { resources } }));
    expect(stack).toEqual({ gateways: [], neverUp: [], elsewhere: ["r"] });
    const result = await checkGateways(stack, []);
    expect(result.findings[0]).toMatchObject({
      level: "note",
      gateway: "r",
      text: "runs on another machine, so it was not checked",
      advice: expect.stringContaining("its output `wrapper`") as string,
    });
  });

  describe("in containers", () => {
    const contained = (wrapper: string) => {
      const resources = [
        { type: "openclaw:index:Gateway", urn: urn("r"), outputs: { ...outputs, wrapper } },
        { type: "openclaw:index:Gateway", urn: urn("host"), outputs: { ...outputs, wrapper: "/b/my claw" } },
        { type: "docker:index/container:Container", urn: "x", parent: urn("r") },
      ];
      return gatewaysOfState(JSON.stringify({ deployment: { resources } }));
    };

    it("gateways in containers are asked by a command of several words", () => {
      const wrapper = "docker exec claw-dev-r openclaw";
      const { gateways, elsewhere } = contained(wrapper);
      expect(elsewhere).toEqual([]);
      expect(gateways).toMatchObject([
        { command: "'/b/my claw'" },
        { name: "r", published: { first: 19789, last: 19789 }, command: wrapper },
      ]);
      expect(gateways[0]).not.toHaveProperty("published");
    });

    it("gateways in containers are asked on their published addresses", () => {
      const resource = { outputs: { ...outputs, url: "http://10.0.0.7:19789" } };
      expect(gatewaysOfState(state(resource)).gateways).toMatchObject([{ url: "http://10.0.0.7:19789", port: 19789 }]);
    });

    it("gateways on another socket of this machine are here, those on another machine are not", () => {
      expect(contained("docker -H unix:///run/docker.sock exec r openclaw").elsewhere).toEqual([]);
      expect(contained("docker -H ssh://claw@203.0.113.7 exec r openclaw").elsewhere).toEqual(["r"]);
    });
  });

  it("a stack without gateways has none to check", () => {
    expect(gatewaysOfState("{}")).toEqual({ gateways: [], neverUp: [], elsewhere: [] });
    expect(render({ ok: true, gateways: [], findings: [] })).toBe("There is no gateway to check.");
  });
});
