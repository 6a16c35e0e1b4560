/** A program's `config`: what is refused in preview, and what becomes of the rest. */
import * as pulumi from "@pulumi/pulumi";
import { expect, describe, it } from "vitest";
import { schemaOf } from "../../components/openclawSchema";
import { botsOf } from "../../components/rules/config/bots";
import { FORMER_KEYS, RETIRED_KEYS } from "../../components/rules/config/formerKeys";
import { schemaProblems } from "../../components/rules/config/schema";
import { SECRET_PLACES } from "../../components/rules/config/secretPlaces";
import { checkIsolation } from "../../components/rules/isolation";
import { checkOperatorOnly } from "../../components/rules/operators";
import { resolveGateway } from "../../components/rules/resolve";
import type { Json, JsonObject } from "../../model/spec";
import { TESTED_VERSIONS } from "../../model/versions";
import { engine, layout, resolved } from "./gateways";

const VERSION = "2026.9.6";
const BASE = { version: VERSION, basePort: 20789, profile: "ops" };
const resolve = (args: object, place = layout as Parameters<typeof resolveGateway>[2]) =>
  resolveGateway("ops", { ...BASE, ...args }, place);
const said = (args: object, place?: Parameters<typeof resolveGateway>[2]): string[] =>
  resolve(args, place).problems.map(({ path, reason, advice }) => `${path}: ${reason} -> ${advice ?? ""}`);
const configOf = (args: object): JsonObject => resolve(args).gateway!.config;
const ref = (id: string) => ({ source: "env", provider: "default", id });
const env = { T: "x", KEY: "y" };

describe("what is no JSON", () => {
  it("undefined values are left out of config, at any depth", () => {
    const config = { tools: { web: undefined, profile: "coding", deny: ["a", undefined] } };
    expect(said({ config })).toEqual([]);
    expect(configOf({ config }).tools).toEqual({ profile: "coding", deny: ["a"] });
  });

  it.each([
    [
      "an Output",
      { gateway: { controlUi: { allowedOrigins: [pulumi.output("x")] } } },
      "gateway.controlUi.allowedOrigins.0: must be known in preview",
      "${NAME}",
    ],
    ["a date", { a: { b: new Date(0) } }, "a.b: must be plain JSON", ""],
    [
      "an id with more digits than a number keeps",
      { commands: { allowFrom: { discord: [123456789012345680] } } },
      "commands.allowFrom.discord.0: has more digits",
      "--type string",
    ],
    ["an include", { agents: { $include: "./base.json5" } }, "agents.$include: would be looked for", "spread"],
  ])("%s in config is refused with its whole path", (_, config, expected, advice) => {
    const [problem, ...more] = said({ config });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.config.${expected}`);
    expect(problem).toContain(advice);
  });
});

describe("what the component decides", () => {
  it("what the component decides may be repeated in config", () => {
    const config = { gateway: { mode: "local", port: 20789, bind: "loopback", auth: { mode: "token" } } };
    expect(said({ config })).toEqual([]);
    const telegram = { botToken: "1:x", allowFrom: ["42"] };
    expect(said({ telegram, config: { channels: { telegram: { enabled: true, allowFrom: ["42"] } } } })).toEqual([]);
  });

  it.each([
    [{ gateway: { bind: "lan" } }, "gateway.bind: is set by the argument expose.lan", "expose.lan"],
    [
      { gateway: { auth: { mode: "trusted-proxy" } } },
      "gateway.auth.mode: clients authenticate with the token",
      "expose.proxy",
    ],
    [{ gateway: { tls: { enabled: true } } }, "gateway.tls: is set by the argument expose.tls", "expose.tls"],
    [{ gateway: { tailscale: { mode: "serve" } } }, "gateway.tailscale.mode: is set by", "expose.tailscale"],
    [{ gateway: { auth: { allowTailscale: true } } }, "gateway.auth.allowTailscale: is set by", "expose.tailscale"],
    [{ channels: { telegram: { enabled: true } } }, "channels.telegram.enabled: is set by the argument", "telegram"],
    [
      { agents: { entries: { main: { workspace: "/srv/x" } } } },
      "agents.entries.main.workspace: is set by",
      "workspace",
    ],
    [
      { agents: { entries: { main: {}, ann: { default: true, workspace: "/srv/x" } } } },
      "agents.entries.ann.workspace: is set by",
      "workspace",
    ],
  ])("config cannot override what the component decides: %j", (config, expected, advice) => {
    const [problem, ...more] = said({ config });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.config.${expected}`);
    expect(problem).toContain(advice);
  });

  it("a key that is wrong beside one that the component decides is one mistake", () => {
    expect(said({ config: { gateway: { tailscale: { mode: "off", resetOnExit: false } } } })).toEqual([]);
  });

  it("other keys beside those that the component decides are kept", () => {
    const gateway = { auth: { rateLimit: { maxAttempts: 5 } }, controlUi: { allowedOrigins: ["https://x"] } };
    expect(said({ config: { gateway } })).toEqual([]);
    expect(configOf({ config: { gateway } }).gateway).toMatchObject(gateway);
  });

  it.each<[string, object, string, Parameters<typeof resolveGateway>[2]]>([
    ["lan", { bind: "lan" }, "use the argument expose.lan", layout],
    ["the tailnet", { bind: "tailnet" }, 'use the argument expose: { tailscale: "serve" }', layout],
    ["loopback", { bind: "loopback" }, "remove it: without expose.lan its port is published on the loopback", engine],
    ["the tailnet", { bind: "tailnet" }, "`tailscale serve` on the engine's machine", engine],
    ["Tailscale", { tailscale: { mode: "serve" } }, "`tailscale serve` on the engine's machine", engine],
    ["the tailnet's people", { auth: { allowTailscale: true } }, "`tailscale serve` on the engine's", engine],
    ["the internet", { tailscale: { mode: "funnel" } }, "a proxy in front", layout],
  ])("names the knob for %s that the place has: %j", (_, gateway, advice, place) => {
    const [problem, ...more] = said({ config: { gateway } }, place);
    expect(more).toEqual([]);
    expect(problem).toContain(advice);
  });

  it("and how to get back to loopback, where another argument opens it", () => {
    expect(said({ config: { gateway: { bind: "loopback" } }, expose: { lan: {}, tls: {} } })).toEqual([
      expect.stringContaining("-> remove it: without expose.lan the gateway listens on loopback only"),
    ]);
  });

  it("is one mistake, whatever is wrong inside", () => {
    expect(said({ config: { gateway: { auth: { token: "${NOWHERE}" } } } })).toEqual([
      expect.stringContaining("ops.config.gateway.auth.token: clients authenticate"),
    ]);
    const theirs = resolve({}).gateway!.stateDir;
    const { gateway, problems } = resolve({
      profile: "two",
      basePort: 22789,
      config: { agents: { entries: { main: { workspace: `${theirs}/workspace` } } } },
    });
    const all = [...problems, ...checkIsolation([resolve({}).gateway!, gateway!])];
    expect(all.map(({ path }) => path)).toEqual(["ops.config.agents.entries.main.workspace"]);
  });

  it.each([
    ["PATH", "pathPrepend"],
    ["NODE_OPTIONS", "maxOldSpaceSize"],
    ["TELEGRAM_BOT_TOKEN", "telegram.botToken"],
    ["HOME", "remove it"],
    ["OPENCLAW_STATE_DIR", "remove it"],
  ])("%s in env is refused with a reason", (name, advice) => {
    const [problem, ...more] = said({ env: { [name]: "x" } });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.env.${name}: `);
    expect(problem).toContain(advice);
  });
});

describe("variables", () => {
  it("variables with a name that env refuses need another one", () => {
    expect(said({ config: { hooks: { token: "${OPENCLAW_HOOKS_TOKEN}" } } })).toEqual([
      expect.stringMatching(
        /OPENCLAW_HOOKS_TOKEN, which the gateway does not have -> use a name .* HOOKS_TOKEN, here and/,
      ),
    ]);
  });

  it.each([
    [
      "in a text",
      { models: { providers: { x: { apiKey: "${KEZ}" } } } },
      "models.providers.x.apiKey: refers to the variable KEZ",
      "did you mean KEY?",
    ],
    [
      "by reference",
      { channels: { discord: { token: ref("NOWHERE") } } },
      "channels.discord.token: refers to the variable NOWHERE",
      "add NOWHERE",
    ],
    [
      "inside of a text",
      { mcp: { servers: { s: { url: "https://x/${A_B}/y" } } } },
      "mcp.servers.s.url: refers to the variable A_B",
      "add A_B",
    ],
  ])("variables that the gateway does not have are refused: %s", (_, config, expected, advice) => {
    const [problem, ...more] = said({ config, env });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.config.${expected}`);
    expect(problem).toContain(advice);
  });

  it("a gateway's own variables, those of the process and the configuration, and escaped ones are accepted", () => {
    const config = {
      env: { vars: { REGION: "eu" } },
      messages: { responsePrefix: "${REGION} ${HOME} $${NOT_ONE} ${KEY}" },
      channels: { discord: { token: ref("T") } },
    };
    expect(said({ config, env })).toEqual([]);
  });

  it("variables of a login shell cannot be checked, and are accepted", () => {
    expect(said({ config: { env: { shellEnv: { enabled: true } }, a: "${ANYTHING}" } })).toEqual([]);
  });
});

describe("secrets in plain text", () => {
  it.each<[string, JsonObject]>([
    [
      "mcp.servers.gh.headers.Authorization",
      { mcp: { servers: { gh: { headers: { Authorization: "Bearer canary" } } } } },
    ],
    ["models.providers.p.headers.x-api-key", { models: { providers: { p: { headers: { "x-api-key": "canary" } } } } }],
    [
      "diagnostics.otel.headers.Authorization",
      { diagnostics: { otel: { headers: { Authorization: "Basic Y2FuYXJ5" } } } },
    ],
    ["mcp.servers.s.env.GITHUB_PAT", { mcp: { servers: { s: { env: { GITHUB_PAT: "canary" } } } } }],
    ["mcp.servers.s.env.NOTE", { mcp: { servers: { s: { env: { NOTE: "ghp_0123456789abcdefghij" } } } } }],
    ["mcp.servers.s.args.1", { mcp: { servers: { s: { args: ["--api-key", "canary"] } } } }],
    ["mcp.servers.s.args.0", { mcp: { servers: { s: { args: ["--token=canary"] } } } }],
    ["mcp.servers.s.url", { mcp: { servers: { s: { url: "https://you:canary@example.org/" } } } }],
    ["proxy.proxyUrl", { proxy: { proxyUrl: "http://you:canary@proxy:3128" } }],
    ["hooks.token", { hooks: { token: "canary" } }],
    ["talk.x", { talk: { x: "sk-ant-0123456789abcdef" } }],
  ])("secrets in plain text are found: %s", (path, config) => {
    const [problem, ...more] = said({ config, env });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.config.${path}: would be stored in plain text`);
    expect(problem).not.toContain("canary");
  });

  it("no secret in plain text is found where there is none", () => {
    const providers = {
      ollama: { apiKey: "ollama-local", baseUrl: "http://127.0.0.1:11434" },
      studio: { apiKey: "lmstudio" },
      near: { apiKey: "anything", baseUrl: "http://localhost:1234/v1" },
      named: { apiKey: "KEY" },
      referred: { apiKey: "${KEY}", headers: { Authorization: "Bearer ${KEY}" } },
    };
    const text = {
      session: { key: "main" },
      agents: { defaults: { maxTokens: 5 } },
      ui: { assistant: { name: "Bearer of good news" } },
    };
    expect(said({ config: { models: { providers }, ...text }, env })).toEqual([]);
  });
});

describe("secrets in files", () => {
  const secrets = { ZAI_KEY: "x", BOT: "y" };
  const config = {
    models: { providers: { zai: { apiKey: "${ZAI_KEY}", headers: { "x-key": "${ZAI_KEY}" } } } },
    channels: { discord: { accounts: { work: { token: "${BOT}" } } } },
  };

  it("a secret is read from the gateway's file on a host, and from one of its own in a container", () => {
    expect(said({ config, secrets })).toEqual([]);
    const inFile = (id: string) => ({ source: "file", provider: "pulumi-openclaw", id });
    expect(configOf({ config, secrets })).toMatchObject({
      models: { providers: { zai: { apiKey: inFile("/ZAI_KEY"), headers: { "x-key": inFile("/ZAI_KEY") } } } },
      channels: { discord: { accounts: { work: { token: inFile("/BOT") } } } },
    });
    const contained = resolve({ config, secrets, profile: undefined }, engine).gateway!.config;
    expect(contained).toMatchObject({
      models: { providers: { zai: { apiKey: { source: "file", provider: "zai_key", id: "value" } } } },
      secrets: { providers: { zai_key: { path: "/etc/openclaw-secrets/ZAI_KEY", mode: "singleValue" } } },
    });
  });

  it.each<[string, object, string, string]>([
    ["inside of a text", { mcp: { servers: { s: { url: "https://x/${ZAI_KEY}" } } } }, "mcp.servers.s.url", "to `env`"],
    ["where OpenClaw takes none", { hooks: { token: "${ZAI_KEY}" } }, "hooks.token", "to `env`"],
    ["as a variable", { channels: { discord: { token: ref("ZAI_KEY") } } }, "channels.discord.token", "to `env`"],
  ])("a secret that only a variable can be is refused: %s", (_, config, at, advice) => {
    const [problem, ...more] = said({ config, secrets: { ZAI_KEY: "x" } });
    expect(more).toEqual([]);
    expect(problem).toContain(`ops.config.${at}: refers to ZAI_KEY, which is in \`secrets\``);
    expect(problem).toContain(advice);
  });

  it("a secret that nothing refers to is refused, and one that is a variable, too", () => {
    const other = { channels: { discord: { token: "${BOT}" } } };
    expect(said({ config: other, secrets })).toEqual([
      expect.stringMatching(/^ops\.secrets\.ZAI_KEY: is not used: .* -> write \$\{ZAI_KEY\} where/),
    ]);
    expect(said({ config: other, secrets: { BOT: "x" }, env: { BOT: "x" } })).toEqual([
      expect.stringContaining("ops.secrets.BOT: is in `env`, too"),
    ]);
    expect(said({ secrets: { OPENCLAW_X: "x", lower: "y" } }).join()).toMatch(/OPENCLAW_X: decides .*lower: must be/);
  });

  it("a key in plain text is sent where OpenClaw reads it again when it changes", () => {
    const at = (config: object): string => said({ config }).join();
    expect(at({ models: { providers: { zai: { apiKey: "canary" } } } })).toContain("move it to `secrets`");
    expect(at({ models: { providers: { zai: { apiKey: "${ZAI}" } } } })).toContain("add ZAI to `secrets`");
    expect(at({ hooks: { token: "canary" } })).toContain("move it to `env`");
  });

  it("OpenClaw's schema takes a reference at each of their places", () => {
    for (const { version } of TESTED_VERSIONS)
      for (const place of SECRET_PLACES) {
        const keys = place.split(".").map((key) => (key === "*" ? "work" : key));
        const inFile = { source: "file", provider: "pulumi-openclaw", id: "/X" };
        const config = keys.reduceRight<Json>((inner, key) => ({ [key]: inner }), inFile) as JsonObject;
        const problems = schemaProblems(config, schemaOf(version)!, version, "c").map(({ path }) => path);
        expect(problems).not.toContain(`c.${keys.join(".")}`);
      }
  });
});

describe("who commands the bot", () => {
  it("owners of any channel are combined with Telegram's", () => {
    const config = { commands: { ownerAllowFrom: ["discord:100000000000000001"] } };
    expect(configOf({ config, telegram: { botToken: "1:x", allowFrom: ["42"] } }).commands).toEqual({
      ownerAllowFrom: ["telegram:42", "discord:100000000000000001"],
    });
    expect(configOf({ config }).commands).toEqual(config.commands);
  });

  it("an owner whom the bot does not admit is refused", () => {
    const config = { commands: { ownerAllowFrom: ["telegram:42", "tg:43"] } };
    const [problem, ...more] = said({ config, telegram: { botToken: "1:x", allowFrom: ["42"] } });
    expect(more).toEqual([]);
    expect(problem).toContain("ops.config.commands.ownerAllowFrom.1: names a Telegram user who may not talk");
  });
});

describe("channels that are plugins", () => {
  it("plugins of channels are enabled with their channel, unless config says otherwise", () => {
    const channels = { discord: { token: ref("T") }, slack: { enabled: false }, telegram: {}, defaults: {} };
    expect(configOf({ config: { channels }, env }).plugins).toEqual({ entries: { discord: { enabled: true } } });
    const plugins = { entries: { discord: { enabled: false } } };
    expect(configOf({ config: { channels, plugins }, env }).plugins).toEqual(plugins);
  });
});

describe("between two gateways", () => {
  const both = (one: object, other: object) =>
    checkIsolation([
      resolved("a", { profile: "a", basePort: 26789, ...one }),
      resolved("b", { profile: "b", basePort: 27789, ...other }),
    ]).map(({ path, reason }) => `${path}: ${reason}`);

  it("agents of two gateways share no directory", () => {
    const config = { agents: { entries: { family: { workspace: "/srv/family" } } } };
    expect(both({ config }, { config })).toEqual([
      "b.config.agents.entries.family.workspace: /srv/family is also a.config.agents.entries.family.workspace",
    ]);
    const inside = { agents: { entries: { spy: { agentDir: `${layout.root}/.openclaw-a/agents/main` } } } };
    expect(both({}, { config: inside }).join()).toContain("is inside a.stateDir");
  });

  it.each<[string, JsonObject]>([
    ["channels.msteams.webhook.port", { channels: { msteams: { webhook: { port: 3979 } } } }],
    ["channels.feishu.webhookPort", { channels: { feishu: { webhookPort: 3979 } } }],
    ["hooks.gmail.serve.port", { hooks: { gmail: { serve: { port: 3979 } } } }],
    [
      "plugins.entries.voice.config.serve.port",
      { plugins: { entries: { voice: { config: { serve: { port: 3979 } } } } } },
    ],
  ])("the port %s belongs to one gateway only", (path, config) => {
    expect(both({ config }, { config })).toContain(`b.config.${path}: 3979 is already used by a.config.${path}`);
  });

  it("ports on other machines, and of disabled channels, are free", () => {
    const mail = { plugins: { entries: { imap: { config: { accounts: { a: { host: "mail", port: 993 } } } } } } };
    expect(both({ config: mail }, { config: mail })).toEqual([]);
    const config = { channels: { irc: { port: 6697 }, msteams: { enabled: false, webhook: { port: 3979 } } } };
    expect(both({ config }, { config })).toEqual([]);
  });
});

it("bots are found behind references, of accounts too", () => {
  const channels = {
    discord: { token: "${T}" },
    slack: { accounts: { work: { botToken: ref("KEY"), appToken: ref("T") } } },
    off: { enabled: false, token: "${T}" },
  };
  expect(botsOf({ channels }, env, "ops.config").map(({ path, token }) => [path, token])).toEqual([
    ["ops.config.channels.discord.token", "x"],
    ["ops.config.channels.slack.accounts.work.botToken", "y"],
    ["ops.config.channels.slack.accounts.work.appToken", "x"],
  ]);
});

describe("OpenClaw's schema", () => {
  const schema = schemaOf(VERSION)!;
  const refused = (config: JsonObject): string[] =>
    schemaProblems(config, schema, VERSION, "c").map(
      ({ path, reason, advice }) => `${path}: ${reason} -> ${advice ?? ""}`,
    );

  const at = (path: string): JsonObject =>
    path.split(".").reduceRight<Json>((inner, key) => ({ [key === "*" ? "work" : key]: inner }), "x") as JsonObject;

  it.each(Object.entries(FORMER_KEYS))("the former key %s is refused with its successor", (former, now) => {
    const shown = former.replace("*", "work");
    const [problem, ...more] = refused(at(former));
    expect(more).toEqual([]);
    expect(problem).toMatch(/^c\.\S+: is not a key of OpenClaw 2026\.9\.6 -> /);
    expect([
      `it is called ${now.replace(/entries\.\*/, "entries.work")} now`,
      `${shown} is called ${now} now`,
    ]).toContain(problem!.split(" -> ")[1]);
    // And there it is a key: at most its value is wrong.
    const keys = now.replaceAll('"*"', "*").replace("<channel>", "telegram").replace("<id>", "work");
    expect(refused(at(keys)).join()).not.toContain("is not a key");
  });

  it.each([
    [
      { tools: { web: { search: { apiKey: "${KEY}" } } } },
      "c.tools.web.search.apiKey: ",
      "config.webSearch.apiKey now",
    ],
    [
      { tools: { web: { search: { gemini: { apiKey: "${KEY}" } } } } },
      "c.tools.web.search.gemini: ",
      "config.webSearch now",
    ],
    [{ agents: { entries: { main: {}, ann: {} } } }, "c.agents.ownership: is missing", 'ownership: "explicit"'],
    [
      { agents: { entries: { a: { default: true }, b: { default: true } } } },
      "c.agents.entries: has more than one",
      "one of",
    ],
    [
      { agents: { ownership: "explicit", entries: { a: { default: true }, b: {} } } },
      "c.agents.entries.a.default: does not go together",
      "remove one",
    ],
  ])("what OpenClaw refuses beyond its schema is refused: %j", (config, expected, advice) => {
    const [problem, ...more] = refused(config);
    expect(more).toEqual([]);
    expect(problem).toContain(expected);
    expect(problem).toContain(advice);
  });

  it.each<JsonObject>([
    { agents: { entries: { main: {} } } },
    { agents: { entries: { main: { default: true }, ann: {} } } },
    { agents: { ownership: "explicit", entries: { main: {}, ann: {} } } },
    { tools: { web: { search: { provider: "brave", openaiCodex: { enabled: true } } } } },
  ])("but takes %j", (config) => expect(refused(config)).toEqual([]));

  it.each(RETIRED_KEYS)("the retired key %s is refused as such", (former) => {
    expect(refused(at(former))).toEqual([
      expect.stringMatching(/is not a key of OpenClaw .* -> remove it: OpenClaw has no such setting any more$/),
    ]);
  });

  it("former keys inside a retired key are refused with their successors", () => {
    const [problem] = refused({ routing: { allowFrom: [], groupChat: { historyLimit: 5 } } });
    expect(problem).toBe(
      "c.routing: is not a key of OpenClaw 2026.9.6 -> routing.allowFrom is called channels.whatsapp.allowFrom now; " +
        "routing.groupChat.historyLimit is called messages.groupChat.historyLimit now",
    );
  });

  it.each<[JsonObject, string]>([
    [
      { update: { channel: "stble" } },
      'c.update.channel: must be "stable" or "extended-stable" or "beta" or "dev" -> ',
    ],
    [{ gateway: { bnd: 1 } }, "c.gateway.bnd: is not a key of OpenClaw 2026.9.6 -> did you mean bind?"],
    [
      { channels: { discord: { allowFrom: [1234] } } },
      "c.channels.discord.allowFrom.0: must be a string -> write it in quotes; in stack config: pulumi config set --path --type string KEY VALUE",
    ],
    [
      { channels: { telegram: { dmPolicy: "alowlist" } } },
      'c.channels.telegram.dmPolicy: must be "pairing" or "allowlist" or "open" or "disabled" -> ',
    ],
    [{ agents: { defaults: { timeoutSeconds: "5" } } }, "c.agents.defaults.timeoutSeconds: must be a whole number"],
    [
      { channels: { discord: { token: { source: "env", var: "T" } } } },
      'c.channels.discord.token: misses provider and id, and var is not a key of OpenClaw 2026.9.6 -> write it like { source: "env", provider: "default", id: "…" }',
    ],
    [
      { channels: { discord: { token: { source: "env", id: "T" } } } },
      'c.channels.discord.token: misses provider -> write it like { source: "env", provider: "default", id: "…" }',
    ],
    [
      { channels: { discord: { token: { sorce: "env" } } } },
      'c.channels.discord.token: must be a string or { source: "env", provider, id }',
    ],
    [
      { agents: { defaults: { model: { primari: "a/b" } } } },
      "c.agents.defaults.model.primari: is not a key of OpenClaw 2026.9.6 -> did you mean primary?",
    ],
    [
      { bindings: [{ agentId: "main", match: { channel: "discord", peer: "x" } }] },
      'c.bindings.0.match.peer: must be { kind, id } -> write it like peer: { kind: "direct", id: "…" }',
    ],
    [{ tools: { deny: "exec" } }, 'c.tools.deny: must be a list -> write it like deny: ["…"]'],
    [
      { mcp: { servers: { gh: { env: ["A=b"] } } } },
      'c.mcp.servers.gh.env: must be an object -> write it like env: { NAME: "…" }',
    ],
    [
      { models: { providers: { x: { baseUrl: "http://x", models: "gpt" } } } },
      'c.models.providers.x.models: must be a list -> write it like models: [{ id: "…", name: "…" }]',
    ],
    [{ telegram: {} }, "c.telegram: is not a key of OpenClaw 2026.9.6 -> did you mean channels.telegram?"],
    [{ env: { LEVEL: "x" } }, "c.env.LEVEL: is not a key of OpenClaw 2026.9.6 -> use the argument env for it"],
  ])("OpenClaw's schema refuses %j", (config, expected) => {
    const problems = refused(config);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it("OpenClaw's schema accepts our configuration, and variables in place of any value", () => {
    expect(
      refused(
        configOf({
          telegram: { botToken: "1:x", allowFrom: ["42"] },
          config: { update: { channel: "${CH}" } },
          env: { CH: "beta" },
        }),
      ),
    ).toEqual([]);
  });

  it("a version that this package does not know has no schema", () => {
    expect(schemaOf("2026.9.99")).toBeUndefined();
  });
});

it.each([
  ["2026.8.2-1", true],
  ["2026.8.2-beta.1", false],
  ["2026.8.1-9", false],
  ["2026.10.1", true],
])("version %s is supported: %s", (version, isSupported) => {
  expect(said({ version }).length === 0).toBe(isSupported);
});

describe("the rescue's channels", () => {
  const operators = { dmPolicy: "allowlist", allowFrom: ["100000000000000001"], groupPolicy: "disabled" };
  const refusedOn = (channels: JsonObject): string[] =>
    checkOperatorOnly({ label: "rescue" }, { telegram: undefined, config: { channels } }).map(({ path }) => path);

  it("rescue's channels may be any that admit named people's direct messages only", () => {
    const slack = { dmPolicy: "open", accounts: { work: operators } };
    const channels = { discord: operators, slack, defaults: {}, matrix: { enabled: false } };
    expect(refusedOn(channels)).toEqual([]);
  });

  it.each<[string, JsonObject]>([
    ["allowFrom", { ...operators, allowFrom: ["*"] }],
    ["allowFrom", { ...operators, allowFrom: [] }],
    ["allowFrom", { ...operators, allowFrom: ["accessGroup:ops"] }],
    ["dmPolicy", { ...operators, dmPolicy: "pairing" }],
    ["groupPolicy", { dmPolicy: "allowlist", allowFrom: ["1"] }],
    ["guilds", { ...operators, guilds: { "1": {} } }],
    [
      "dmPolicy",
      { token: "${T}", dmPolicy: "open", allowFrom: ["1"], groupPolicy: "disabled", accounts: { one: operators } },
    ],
    ["accounts.two.allowFrom", { ...operators, accounts: { one: {}, two: { allowFrom: ["*"] } } }],
  ])("rescue's channels are refused over %s: %j", (key, discord) => {
    expect(refusedOn({ discord })).toEqual([`rescue.config.channels.discord.${key}`]);
  });
});

describe("a bot token in a file of the host", () => {
  const telegram = { tokenFile: "/run/secrets/telegram", allowFrom: ["42"] };

  it("a bot token in a file of the host is read there, and nowhere else", () => {
    expect(said({ telegram })).toEqual([]);
    const channels = configOf({ telegram }).channels as JsonObject;
    expect(channels.telegram).toMatchObject({ tokenFile: "/run/secrets/telegram", enabled: true });
    expect(channels.telegram).not.toHaveProperty("botToken");
  });

  it("a token file excludes botToken, and is not for containers", () => {
    expect(said({ telegram: { ...telegram, botToken: "1:x" } }).join()).toContain("must not be set together");
    expect(said({ telegram: { allowFrom: ["42"] } }).join()).toContain("ops.telegram.botToken: is required, or else");
    expect(said({ telegram }, engine).join()).toContain("ops.telegram.tokenFile: cannot be read in a container");
  });
});
