import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findExistingGateway, isUnknown, type ExistingGateway, type GatewayFacts } from "../../inspect/existingGateway";
import { identify } from "../../inspect/processes";

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "foreign-"))));
afterEach(() => rmSync(home, { recursive: true }));

const put = (path: string, content: unknown) => {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
};
const find = (facts: GatewayFacts = {}) => findExistingGateway(facts, [home]);
const found = (facts: GatewayFacts = {}): ExistingGateway => {
  const gateway = find(facts);
  if (!gateway || isUnknown(gateway)) throw new Error(JSON.stringify(gateway));
  return gateway;
};
const lock = (pid: number, more: object = {}) =>
  put(".openclaw/tmp/openclaw-0/gateway.state.lock", {
    pid,
    port: 24000,
    configPath: join(home, "other.json"),
    startTime: Number(identify(process.pid)!.startTime),
    ...more,
  });

describe("a gateway of the default profile", () => {
  it("an existing gateway is described from its directory", () => {
    put(
      ".openclaw/openclaw.json",
      "{ gateway: { port: 20000 }, /* JSON5 */ agents: { defaults: { workspace: '~/work' } } }",
    );
    expect(found()).toMatchObject({
      profile: "default",
      stateDir: join(home, ".openclaw"),
      configPath: join(home, ".openclaw/openclaw.json"),
      workspace: join(home, "work"),
      port: 20000,
      restart: undefined,
    });
    expect(found().command).toBe(
      "env -u OPENCLAW_GATEWAY_PORT -u OPENCLAW_PROFILE " +
        `OPENCLAW_STATE_DIR=${home}/.openclaw OPENCLAW_CONFIG_PATH=${home}/.openclaw/openclaw.json openclaw`,
    );
  });

  it("an existing gateway has OpenClaw's defaults where its configuration says nothing", () => {
    put(".openclaw/openclaw.json", "{}");
    expect(found()).toMatchObject({ port: 18789, workspace: join(home, ".openclaw/workspace") });
  });

  it("an existing gateway that runs as its files say is described by them", () => {
    put(".openclaw/openclaw.json", "{ gateway: { port: 24000 } }");
    lock(process.pid, { configPath: join(home, ".openclaw/openclaw.json") });
    expect(found().port).toBe(24000);
  });

  it("an existing gateway that runs otherwise than its files say must be described by its user", () => {
    put(".openclaw/openclaw.json", "{ gateway: { port: 20000 } }");
    lock(process.pid, { configPath: join(home, ".openclaw/openclaw.json") });
    expect(find()).toMatchObject({
      property: "port",
      reason: expect.stringContaining("listens on port 24000") as string,
    });
    expect(found({ port: 24000 }).port).toBe(24000);
    put("other.json", "{}");
    lock(process.pid);
    expect(find()).toMatchObject({ property: "configPath" });
    expect(find({ port: 24000 })).toMatchObject({ property: "configPath" });
    expect(found({ port: 24000, configPath: join(home, "other.json") }).port).toBe(24000);
  });

  it("the port of an existing gateway with another profile is unknown", () => {
    put(".openclaw-main/openclaw.json", "{}");
    expect(find({ stateDir: join(home, ".openclaw-main") })).toMatchObject({ property: "port" });
  });

  it.each([
    ["has ended", 2 ** 22 + 1, {}],
    ["is another process by now", process.pid, { startTime: 1 }],
  ])("a lock whose process %s is ignored", (_, pid, more) => {
    put(".openclaw/openclaw.json", "{ gateway: { port: 20000 } }");
    lock(pid, more);
    expect(found().port).toBe(20000);
  });

  it("an existing gateway has the port of its unit, and is restarted by it", () => {
    put(".openclaw/openclaw.json", "{ gateway: { port: 20000 } }");
    put(".config/systemd/user/openclaw-gateway.service", "[Service]\nExecStart=/n/node x gateway --port 21000\n");
    expect(found()).toMatchObject({ port: 21000, restart: "systemctl --user restart openclaw-gateway.service" });
  });

  it("given facts override what is found of an existing gateway", () => {
    put(".openclaw/openclaw.json", "{ gateway: { port: 20000 } }");
    const facts = { port: 1024, workspace: "/w", command: "claw", restart: "reboot", configPath: join(home, "none") };
    expect(found(facts)).toMatchObject(facts);
  });
});

describe("what cannot be described", () => {
  it("a missing directory is refused", () => expect(find()).toBeUndefined());

  it("a directory that a stack owns is not an existing gateway", () => {
    put(".openclaw/.pulumi-openclaw.json", { owner: { stack: "a/b/c" }, released: false });
    expect(find()).toBeUndefined();
  });

  it.each<[string, GatewayFacts, object]>([
    ["facts, but no directory", { port: 1024 }, { property: "stateDir" }],
    ["a directory that does not exist", { stateDir: "/nowhere" }, { property: "stateDir" }],
  ])("an existing gateway cannot be described with %s", (_, facts, expected) =>
    expect(find(facts)).toMatchObject(expected),
  );

  it.each([
    ["no configuration", undefined],
    ["an invalid configuration", "gateway: canary-4711"],
    ["a list", "[]"],
  ])("an existing gateway cannot be described with %s", (_, text) => {
    put(".openclaw/x", "");
    if (text !== undefined) put(".openclaw/openclaw.json", text);
    expect(find()).toMatchObject({ property: "configPath" });
    expect(JSON.stringify(find())).not.toContain("canary");
    expect(found({ port: 20000, workspace: "/w" })).toMatchObject({ port: 20000, workspace: "/w" });
  });

  it.each([
    ["gateway: { port: '${PORT}' }", "port"],
    ["gateway: { port: 70000 }", "port"],
    ["agents: { defaults: { workspace: 1 } }", "workspace"],
    ["agents: { defaults: { workspace: 'relative' } }", "workspace"],
    ["agents: { defaults: { workspace: '/x/$(reboot)' } }", "workspace"],
    ["$include: './more.json'", "port"],
  ])("an existing gateway cannot be described with { %s }", (text, property) => {
    put(".openclaw/openclaw.json", `{ ${text} }`);
    expect(find()).toMatchObject({ property });
  });
});

it("paths that need quotes in a shell are refused, whoever wrote them", () => {
  put("a b/.openclaw/openclaw.json", "{}");
  expect(find({ stateDir: join(home, "a b/.openclaw") })).toMatchObject({ property: "stateDir" });
  put(".openclaw/openclaw.json", "{}");
  lock(process.pid, { configPath: "/x/$(reboot).json", port: 18789 });
  expect(JSON.stringify(find())).not.toContain("reboot");
});

describe("its bot tokens", () => {
  const telegram = (settings: object, more: object = {}) =>
    put(".openclaw/openclaw.json", { channels: { telegram: settings }, ...more });

  it.each<[string, object]>([
    ["in plain text", { botToken: "canary" }],
    ["in an account", { accounts: { second: { botToken: "canary" } } }],
    ["from its .env", { botToken: "${BOT}" }],
    ["by reference to its environment", { botToken: { source: "env", provider: "default", id: "BOT" } }],
    ["by reference to a file", { botToken: { source: "file", provider: "tg", id: "value" } }],
    ["from its service's environment", {}],
  ])("an existing gateway's bot token is found %s", (_, settings) => {
    put(".openclaw/.env", "BOT='canary'\n");
    put(".openclaw/gateway.systemd.env", "TELEGRAM_BOT_TOKEN=canary\n");
    put("token", "canary\n");
    telegram(settings, { secrets: { providers: { tg: { source: "file", path: join(home, "token") } } } });
    expect(found().botTokens).toEqual(["canary"]);
  });

  it("an existing gateway's bot token is found in a token file", () => {
    put("token", "canary\n");
    telegram({ tokenFile: join(home, "token") });
    expect(found().botTokens).toEqual(["canary"]);
  });

  it("an existing gateway's bot token is found in its process's environment", () => {
    const own = readFileSync("/proc/self/environ", "utf8")
      .split("\0")
      .find((line) => line.startsWith("PATH="))!;
    put(".openclaw/openclaw.json", { gateway: { port: 24000 }, channels: { telegram: { botToken: "${PATH}" } } });
    lock(process.pid, { configPath: join(home, ".openclaw/openclaw.json") });
    expect(found().botTokens).toEqual([own.slice("PATH=".length)]);
  });

  it("an existing gateway without Telegram has no bot token", () => {
    put(".openclaw/.env", "TELEGRAM_BOT_TOKEN=canary\n");
    put(".openclaw/openclaw.json", "{}");
    expect(found().botTokens).toEqual([]);
  });
});
