import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatProblems } from "../../components/rules/problems";
import { resolveGateway } from "../../components/rules/resolve";
import { existingMainSchema } from "../../components/rules/schemas";
import { layout, resolved } from "./gateways";

const check = (args: Record<string, unknown>) =>
  resolveGateway("g", { version: "2026.9.6", basePort: 18789, ...args }, layout).problems.map(
    ({ path, reason, advice }) => `${path}: ${reason} -> ${advice}`,
  );

describe("bad arguments are refused with path and advice", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a base below 1024", { basePort: 80 }, /^g\.basePort: must be between 1024 and 65425.*it is 80/],
    ["a base above 65425", { basePort: 65426 }, /^g\.basePort: must be between 1024 and 65425/],
    ["a base that is text", { basePort: "18789" }, /^g\.basePort: must be a number/],
    ["a fraction", { basePort: 1024.5 }, /^g\.basePort: must be a whole number/],
    ["version latest", { version: "latest" }, /^g\.version: must be an exact version.*it is "latest"/],
    ["a range", { version: "^2026.9.6" }, /^g\.version: must be an exact version/],
    ["a version below the oldest", { version: "2026.8.1" }, /^g\.version: is older than 2026\.8\.2/],
    ["no version", { version: undefined }, /^g\.version: is required/],
    ["a profile with capitals", { profile: "Ops" }, /^g\.profile: must be 1 to 64 lower-case/],
    ["an empty profile", { profile: "" }, /^g\.profile: must be/],
    ["a reserved profile", { profile: "gateway" }, /^g\.profile: is a name that OpenClaw reserves/],
    ["a relative path", { stateDir: "state" }, /^g\.stateDir: must be an absolute path/],
    ["a path with dots", { workspace: "/a/../b" }, /^g\.workspace: must not contain/],
    ["the root directory", { stateDir: "/" }, /^g\.stateDir: must be an absolute path/],
    ["two letters swapped", { expose: { lna: {} } }, /lna: .* -> did you mean lan\?/],
    [
      "an Output for a path",
      { stateDir: pulumi.output("/srv") },
      /stateDir: must be a string, known in preview: it cannot/,
    ],
    ["a mount as docker has it", { mounts: ["/a:/b"] }, /mounts\.0: must be an object -> write it like \{ source: /],
    [
      "a number that may be secret",
      { env: { PIN: 4711 } },
      /^g\.env\.PIN: must be a non-empty string or an Output of one -> /,
    ],
    ["text for an object", { config: "update" }, /config: must be an object -> write it like config: \{ update: /],
    [
      "a list of objects for an object",
      { telegram: { botToken: "t", allowFrom: "4242" } },
      /allowFrom: must be a list -> write it like allowFrom: \["4242"\]/,
    ],
    ["a misspelt argument", { basport: 1 }, /^g\.basport: is not a known argument -> did you mean basePort\?/],
    [
      "a misspelt nested argument",
      { telegram: { botToken: "t", allowfrom: [] } },
      /^g\.telegram\.allowfrom: .* -> did you mean allowFrom\?/,
    ],
    [
      "an argument like no other",
      { telegram: { botToken: "t", zzzzzzzz: 1 } },
      /-> use one of: botToken, tokenFile, allowFrom, dmPolicy, apiRoot/,
    ],
    [
      "an allowlist of nobody",
      { telegram: { botToken: "t", dmPolicy: "allowlist" } },
      /^g\.telegram\.allowFrom: must not be empty with dmPolicy/,
    ],
    [
      "open without a star",
      { telegram: { botToken: "t", dmPolicy: "open" } },
      /^g\.telegram\.allowFrom: must contain "\*"/,
    ],
    ...["@ann", "", " ", "-1001234", "0", "12.5", "telegram:@ann", "telegram:-100", "ann", "4242 4343", "+4242"].map(
      (sender): [string, Record<string, unknown>, RegExp] => [
        `a sender that is nobody: ${sender}`,
        { telegram: { botToken: "t", allowFrom: [sender] } },
        /^g\.telegram\.allowFrom\.0: must be a Telegram user id/,
      ],
    ),
    ["a wrong policy", { telegram: { botToken: "t", dmPolicy: "all" } }, /^g\.telegram\.dmPolicy/],
    [
      "an API root that is no URL",
      { telegram: { botToken: "t", apiRoot: "tg" } },
      /^g\.telegram\.apiRoot: must be a URL/,
    ],
    ["no bot token", { telegram: { allowFrom: ["1"] } }, /^g\.telegram\.botToken: is required, or else tokenFile/],
    [
      "a browser profile with neither",
      { browser: { profiles: { work: {} } } },
      /^g\.browser\.profiles\.work: needs either/,
    ],
    [
      "a browser profile with both",
      { browser: { profiles: { work: { cdpPort: 1, cdpUrl: "http://h" } } } },
      /needs either/,
    ],
    [
      "a token in a browser's URL",
      { browser: { cdpUrl: "wss://chrome.lan?token=abc" } },
      /^g\.browser\.cdpUrl: contains a secret in plain text/,
    ],
    [
      "a browser profile's bad name",
      { browser: { profiles: { "My Work": { cdpPort: 9222 } } } },
      /must be lower-case letters/,
    ],
    ["a secret in config", { config: { models: { key: pulumi.secret("s") } } }, /^g\.config.*env/],
    [
      "a variable that is ours",
      { env: { OPENCLAW_STATE_DIR: "x" } },
      /^g\.env\.OPENCLAW_STATE_DIR: decides which gateway a process is/,
    ],
    ["networks of a gateway on a host", { networks: ["ai"] }, /^g\.networks: is only for a gateway in a container/],
    [
      "mounts of a gateway on a host",
      { mounts: [{ source: "/srv/a", target: "/data" }] },
      /^g\.mounts: is only for a gateway in a container/,
    ],
    [
      "published ports of a gateway on a host",
      { publish: [3978] },
      /^g\.publish: is only for a gateway in a container/,
    ],
    ["names of a gateway on a host", { extraHosts: { db: "10.0.0.7" } }, /^g\.extraHosts: is only for a gateway in a/],
    ["a heap in words", { maxOldSpaceSize: "4 GB" }, /^g\.maxOldSpaceSize: must be a number of MiB/],
    ["half a MiB of heap", { maxOldSpaceSize: 4096.5 }, /^g\.maxOldSpaceSize: must be a whole number of MiB/],
    ["a heap of 6, as of gigabytes", { maxOldSpaceSize: 6 }, /^g\.maxOldSpaceSize: must be 512 or more \(MiB\)/],
    ["a variable with a bad name", { env: { "A-B": "x" } }, /^g\.env\.A-B: is not a valid variable name/],
  ])("bad arguments are refused: %s", (_, args, expected) => {
    const problems = check(args);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it("bad arguments are refused all at once", () => {
    expect(check({ basePort: 80, version: "latest", profile: "Ops", nope: 1 })).toHaveLength(4);
  });

  it("a secret in a wrong place is refused without repeating it", () => {
    const problems = check({
      telegram: "4711:canary-value",
      browser: { cdpUrl: "wss:/u:canary-value@x?token=canary-value" },
      config: {
        models: { providers: { a: { apiKey: "canary-value" } } },
        channels: { discord: { token: "canary-value" } },
      },
    }).join("\n");
    expect(problems).toContain("g.config.models.providers.a.apiKey: would be stored in plain text");
    expect(problems).toContain("g.config.channels.discord.token: would be stored in plain text");
    expect(problems).not.toContain("canary-value");
  });

  it("no problem repeats a secret", () => {
    const problems = check({ telegram: { botToken: "", extra: 1 }, env: { "B-AD": "canary-value" } }).join();
    expect(problems).not.toContain("canary-value");
  });

  it.each([
    ["gateway.port", { gateway: { port: 1 } }, "use the argument basePort"],
    ["gateway.bind", { gateway: { bind: "lan" } }, "use the argument expose.lan"],
    ["gateway.auth.mode", { gateway: { auth: { mode: "none" } } }, "remove it"],
    ["agents.defaults.workspace", { agents: { defaults: { workspace: "/x" } } }, "use the argument workspace"],
    ["channels.telegram.botToken", { channels: { telegram: { botToken: "x" } } }, "use the argument telegram.botToken"],
    [
      "browser.profiles.work.cdpPort",
      { browser: { profiles: { work: { cdpPort: 1 } } } },
      "use the argument browser.profiles.work.cdpPort",
    ],
    [
      "channels.telegram.accounts.two.botToken",
      { channels: { telegram: { accounts: { two: { botToken: "x" } } } } },
      "secrets",
    ],
  ])("config.%s is owned by the component", (path, config, advice) => {
    const [problem, ...more] = check({ config });
    expect(more).toEqual([]);
    expect(problem).toContain(`g.config.${path}: `);
    expect(problem).toContain(advice);
  });
});

describe("good arguments", () => {
  it("good arguments get the page's defaults", () => {
    expect(resolved("main", { basePort: 18789 })).toMatchObject({
      id: "main",
      profile: "default",
      stateDir: "/home/claw/.openclaw",
      workspace: "/home/claw/.openclaw/workspace",
      wrapper: "/home/claw/bin/openclaw-main",
      serviceName: "openclaw-gateway",
    });
    expect(resolved("rescue", { profile: "rescue", basePort: 19789 })).toMatchObject({
      id: "rescue",
      stateDir: "/home/claw/.openclaw-rescue",
      workspace: "/home/claw/.openclaw-rescue/workspace",
      wrapper: "/home/claw/bin/openclaw-rescue",
      serviceName: "openclaw-gateway-rescue",
    });
  });

  it("ids may be given as numbers", () => {
    const { config } = resolved("g", { basePort: 18789, telegram: { botToken: "t", allowFrom: [4242] } });
    expect(config).toMatchObject({
      channels: { telegram: { allowFrom: ["4242"], dmPolicy: "allowlist" } },
      commands: { ownerAllowFrom: ["telegram:4242"] },
    });
  });

  it("no secret gets into the configuration", () => {
    const text = JSON.stringify(
      resolved("g", { basePort: 18789, telegram: { botToken: "canary" }, env: { KEY: "canary" } }),
    );
    expect(text).not.toContain("canary");
  });

  it("the configuration has the same bytes whatever the order of keys", () => {
    const config = fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      fc.integer(),
    );
    fc.assert(
      fc.property(config, (env) => {
        const extra = { diagnostics: env };
        const reversed = { diagnostics: Object.fromEntries(Object.entries(env).reverse()) };
        const render = (given: unknown) => JSON.stringify(resolved("g", { basePort: 18789, config: given }).config);
        expect(render(reversed)).toBe(render(extra));
      }),
    );
  });

  it("config may change a default, and not what the component owns", () => {
    const { config } = resolved("g", { basePort: 18789, config: { gateway: { reload: { mode: "hybrid" } } } });
    expect(config.gateway).toMatchObject({ port: 18789, bind: "loopback", reload: { mode: "hybrid" } });
  });

  it("resolved arguments are frozen", () => {
    expect(Object.isFrozen(resolved("g", { basePort: 18789 }))).toBe(true);
  });
});

it("several problems make one message", () => {
  expect(formatProblems([{ path: "claw.rescue.basePort", reason: "is 80", advice: "use 19789" }]))
    .toMatchInlineSnapshot(`
    "OpenClaw: 1 problem found before anything was changed.

      claw.rescue.basePort: is 80
        -> use 19789
    "
  `);
});

describe("a command for a main gateway beside the rescue", () => {
  const isTaken = (command: string) => existingMainSchema.safeParse({ command, restart: command }).success;

  it.each([
    "env OPENCLAW_GATEWAY_TOKEN=abc openclaw",
    "env OPENCLAW_GATEWAY_PASSWORD='a b' openclaw",
    "openclaw --token abc",
    "openclaw --password=abc",
    "env ANTHROPIC_API_KEY=sk-1 openclaw",
    `env BOT=123456789:${"A".repeat(35)} openclaw`,
  ])("a command for an existing main must not hold a secret: %s", (command) => expect(isTaken(command)).toBe(false));

  it.each([
    "/opt/openclaw/bin/openclaw",
    "env OPENCLAW_STATE_DIR=/srv/main openclaw",
    "env -u OPENCLAW_GATEWAY_TOKEN openclaw",
    "env OPENCLAW_GATEWAY_TOKEN=$(cat /srv/token) openclaw",
    'openclaw --token "$TOKEN"',
    "systemctl --user restart openclaw-gateway.service",
  ])("a command for an existing main may be %s", (command) => expect(isTaken(command)).toBe(true));
});
