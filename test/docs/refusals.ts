/**
 * Every refusal before anything is touched, got by making each mistake once. Real calls, so that the page shows what a
 * user really reads; made-up names, so that it is the same on every machine.
 */
import { SHARED_DATABASE, stateRefusal } from "../../model/recovery";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import * as z from "zod";
import { checkIsolation } from "../../components/rules/isolation";
import { schemaOf } from "../../components/openclawSchema";
import { exposeProblems, type Expose } from "../../components/rules/expose";
import { needsOf, unmet } from "../../model/needs";
import { OWNED_KEYS } from "../../components/rules/config/owned";
import { unknownPlugins } from "../../components/rules/config/plugins";
import { schemaProblems } from "../../components/rules/config/schema";
import type { JsonObject } from "../../model/spec";
import { BLOCK_SIZE, MIN_BASE_PORT, portBlock } from "../../model/ports";
import { problemsOf, type Problem } from "../../components/rules/problems";
import type { Layout } from "../../components/rules/placement";
import { resolveGateway } from "../../components/rules/resolve";
import { existingMainSchema, gatewaySchema } from "../../components/rules/schemas";
import { configFile, gatewayPaths, manageDir, STATE_OWNER_FILE, type HostLayout } from "../../model/hostLayout";
import { findExistingGateway, isUnknown, type ExistingGateway } from "../../inspect/existingGateway";
import { identify } from "../../inspect/processes";
import type { Listener, ClaimToCheck, HostConflict } from "../../model/conflict";
import { unexpected } from "../../components/targets/answers";
import { noShell, problemOf, strangeAnswer } from "../../components/targets/ssh/refusals";
import { type Refusal } from "../../ssh/answer";
import type { Probe } from "../../components/targets/ssh/probe";
import { hostProblemsOf } from "../../components/targets/ssh/hostProblems";
import * as units from "../../inspect/units";
import type { ContainerClaim, EngineLookAnswer, EngineLookRequest } from "../../model/requests";
import { LABELS, LOCAL_ENGINE } from "../../model/containerLayout";
import { FakeDocker } from "../unit/fakeDocker";
import { engine, GOOD_HOST, inContainer, layout, resolved } from "../unit/gateways";

export interface Section {
  readonly title: string;
  readonly about: string;
  readonly problems: readonly Problem[];
}

type Args = Record<string, unknown>;

const gatewayProblems = (args: Args): readonly Problem[] =>
  resolveGateway("ops", { version: "2026.9.6", basePort: 20789, ...args }, layout).problems;

const problemsAt =
  (place: Layout) =>
  (args: Args): readonly Problem[] =>
    resolveGateway("ops", { version: "2026.9.6", basePort: 20789, ...args }, place).problems;

const mounting = (label: string, basePort: number) =>
  inContainer(label, { basePort, mounts: [{ source: "/srv/work", target: "/data" }] });

/** Of a container: what its place forbids, and another gateway on the same engine. */
const containers = (): readonly Problem[] => [
  ...["stateDir", "workspace", "configPath"].flatMap(
    (property) =>
      resolveGateway("ops", { version: "2026.9.6", basePort: 20789, [property]: "/srv/claw" }, engine).problems,
  ),
  ...resolveGateway("ops", { version: "2026.9.6", basePort: 20789 }, engine, "the ops").problems,
  ...resolveGateway("ops", { version: "2026.9.6", basePort: 20789, telegram: { tokenFile: "/run/bot" } }, engine)
    .problems,
  ...[{ bind: "loopback" }, { bind: "tailnet" }, { tailscale: { mode: "serve" } }].flatMap((gateway) =>
    problemsAt(engine)({ config: { gateway } }),
  ),
  ...resolveGateway("ops", { version: "2026.9.6", basePort: 20789, maxOldSpaceSize: 2048 }, engine).problems,
  ...[{ backups: 3 }, { restoreFrom: "0001-2026.8.2" }].flatMap(problemsAt(engine)),
  ...resolveGateway("ops", { version: "2026.9.6", basePort: 20789, plugins: { "@scope/name": "1.2.3" } }, engine)
    .problems,
  ...[{ networks: ["a b", "host", "ai", "ai"] }, { extraHosts: { "a b": "10.0.0.7", localhost: "db.lan" } }].flatMap(
    problemsAt(engine),
  ),
  ...[
    ["/", "/etc"],
    ["/run/docker.sock", "/data"],
    ["/var", "/data"],
    ["/proc/1", "/data"],
    ["/run/user/1000", "/data"],
    ["/home/me/.pulumi-openclaw", "/data"],
    ["/home/me/.openclaw", "/data"],
    ["/home/me", "/data"],
    ["/srv/a", "/data"],
  ].flatMap(([source, target]) => {
    const mount = { source, target };
    return problemsAt(engine)({ mounts: source === "/srv/a" ? [mount, mount] : [mount] });
  }),
  ...[{ networks: ["ai"] }, { extraHosts: {} }, { mounts: [] }, { publish: [] }].flatMap(problemsAt(layout)),
  ...problemsAt(engine)({ publish: [18789, 3978, 3978] }),
  ...checkIsolation(
    ["claw.main", "ops"].map((label, n) => inContainer(label, { basePort: 18789 + n, publish: [3978] })),
  ),
  ...checkIsolation([mounting("claw.main", 18789), mounting("ops", 18790)]),
  ...checkIsolation([
    inContainer("ops", {
      basePort: 18789,
      mounts: ["/srv/work", "/srv/work/notes"].map((source, n) => ({ source, target: `/data${n}` })),
    }),
  ]),
  ...checkIsolation([resolved("claw.main", { basePort: 18789, workspace: "/srv/work" }), mounting("ops", 20789)]),
  ...problemsAt(engine)({ config: nested("agents.defaults.sandbox.mode", "all") }),
  ...checkIsolation([inContainer("claw.main", { basePort: 18789 }), inContainer("ops", { basePort: 18789 })]),
  ...checkIsolation([resolved("claw.main", { basePort: 18789 }), inContainer("ops", { basePort: 18809 })]),
];

/** Values of which each argument refuses at least one by its kind. */
const ODD_VALUES = [[], 7];

type Check = (args: Args) => readonly Problem[];

/** Each argument of an object, also inside of others, once with a value of the wrong kind. */
function wrongKinds(schema: z.ZodObject, check: Check): Problem[] {
  return Object.entries(schema.shape).flatMap(([key, type]) => {
    const inner = unwrap(type as z.ZodType);
    const odd = ODD_VALUES.find((value) => !inner.safeParse(value).success);
    const here = odd === undefined ? [] : check({ [key]: odd });
    return [...here, ...wrongInside(inner, (value) => check({ [key]: value }))];
  });
}

function wrongInside(type: z.ZodType, check: (value: unknown) => readonly Problem[]): readonly Problem[] {
  if (type instanceof z.ZodArray) return check([{}]);
  if (type instanceof z.ZodRecord) {
    const inner = unwrap(type.valueType as z.ZodType);
    return [...check({ name: new Date(0) }), ...wrongInside(inner, (value) => check({ work: value }))];
  }
  if (!(type instanceof z.ZodObject)) return [];
  const needed = {
    ...("botToken" in type.shape && { botToken: "4711:…" }),
    ...("trustedProxies" in type.shape && PROXY),
  };
  return [...check({ ...needed, colour: 1 }), ...wrongKinds(type, (inner) => check({ ...needed, ...inner }))];
}

const checkedBy =
  (schema: z.ZodObject, label: string): Check =>
  (args) => {
    const { error } = schema.safeParse(args);
    return error ? problemsOf(error, schema, label, args) : [];
  };

const unwrap = (type: z.ZodType): z.ZodType =>
  type instanceof z.ZodOptional ? unwrap(type.unwrap() as z.ZodType) : type;

const telegram = (args: Args): Args => ({ telegram: { botToken: "4711:…", ...args } });
const work = (profile: Args): Args => ({ browser: { profiles: { work: profile } } });

const PROXY = { allowedOrigins: ["https://claw.example.org"] };
const SIGN_IN = { ...PROXY, userHeader: "X-Forwarded-User", allowUsers: ["you@example.org"] };

/** Of `expose`, each for itself. */
const WAYS_IN: readonly Args[] = [
  { lan: { address: "box" } },
  { lan: { address: "127.0.0.1" } },
  { lan: { allowedOrigins: ["https://claw.lan/ui"] } },
  { proxy: { allowedOrigins: [] } },
  { proxy: { ...PROXY, trustedProxies: [] } },
  { proxy: { ...PROXY, trustedProxies: ["proxy.lan"] } },
  { proxy: { ...PROXY, trustedProxies: ["0.0.0.0/0"] } },
  { proxy: { ...PROXY, userHeader: "X-User" } },
  { proxy: { ...PROXY, requiredHeaders: ["X-Proto"] } },
  { proxy: { ...SIGN_IN, userHeader: "X User" } },
  { proxy: { ...SIGN_IN, allowUsers: [""] } },
  { proxy: { ...SIGN_IN, allowUsers: ["*", "you@example.org"] } },
  { tls: { certFile: "/etc/ssl/claw.pem" } },
];

/** What only several of them are wrong in together, and where. */
const unsafe = (expose: Expose, { isContainer = false, isRescue = false } = {}): readonly Problem[] =>
  exposeProblems(expose, "ops.expose", { isContainer, isRescue });
const NEEDED: readonly Problem[] = [
  { lan: {} },
  { lan: { address: "192.168.1.5" }, tls: {} },
  { tailscale: "serve" },
  { tls: { certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" } },
].flatMap((expose) =>
  unmet(needsOf(resolved("ops", { basePort: 20789, expose }).config), {
    programs: [],
    addresses: ["10.0.0.7", "203.0.113.7"],
    isFile: () => false,
  }).map(({ property, ...problem }) => ({ path: `ops.${property}`, ...problem })),
);
const UNSAFE: readonly Problem[] = [
  ...unsafe({ tailscale: "serve", lan: {} }),
  ...unsafe({ lan: { address: "203.0.113.7" } }),
  ...unsafe({ proxy: { ...PROXY, trustedProxies: ["10.0.0.5"] } }),
  ...unsafe({ proxy: SIGN_IN }, { isRescue: true }),
  ...unsafe({ proxy: { ...SIGN_IN, trustedProxies: ["172.18.0.1"] } }, { isContainer: true, isRescue: true }),
  ...unsafe({ tailscale: "serve" }, { isContainer: true }),
  ...unsafe({ tls: { certFile: "/a", keyFile: "/b" } }, { isContainer: true }),
  ...unsafe({ proxy: PROXY }, { isContainer: true }),
];

const ARGUMENTS: readonly Args[] = [
  ...WAYS_IN.map((expose) => ({ expose })),
  { basport: 20789 },
  telegram({ allowfrom: ["4242"] }),
  { basePort: undefined },
  { basePort: 80 },
  { basePort: 65426 },
  { basePort: 20789.5 },
  { version: undefined },
  { version: "latest" },
  { version: "2026.8.1" },
  { backups: "3" },
  { backups: 1.5 },
  { backups: 0 },
  { restoreFrom: "latest" },
  { profile: "Ops" },
  { profile: "gateway" },
  ...["stateDir", "workspace", "configPath"].flatMap((name) =>
    ["state", "/srv/it's", "/srv/../claw"].map((path) => ({ [name]: path })),
  ),
  { telegram: { allowFrom: ["4242"] } },
  telegram({ allowFrom: ["@ann"] }),
  telegram({ tokenFile: "/run/secrets/telegram" }),
  telegram({ dmPolicy: "allowlist" }),
  telegram({ dmPolicy: "open" }),
  telegram({ apiRoot: "api.example.org" }),
  work({}),
  work({ cdpPort: 70000 }),
  work({ cdpPort: 0 }),
  work({ cdpPort: 9222.5 }),
  work({ cdpUrl: "chrome.lan:9222" }),
  { browser: { cdpUrl: "wss://chrome.lan?token=abc" } },
  { browser: { profiles: { "My Work": { cdpPort: 20805 } } } },
  { env: { "A-B": "x" } },
  { maxOldSpaceSize: 4096.5 },
  { maxOldSpaceSize: 6 },
  { plugins: { "Voice Call": "1.2.3" } },
  { plugins: { openclaw: "2026.9.6" } },
  { plugins: { "@scope/name": "latest" } },
  ...[
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_GATEWAY_TOKEN",
    "TELEGRAM_BOT_TOKEN",
    "HOME",
    "PATH",
    "NODE_OPTIONS",
    "LD_PRELOAD",
  ].map((name) => ({ env: { [name]: "x" } })),
];

const nested = (path: string, value: unknown): Args =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Args;

const CONFIG: readonly Args[] = [
  ...OWNED_KEYS.map(({ key }) => nested(key, "x")),
  nested("gateway.bind", "tailnet"),
  nested("gateway.tailscale.mode", "funnel"),
  nested("gateway.reload.mode", "off"),
  nested("secrets.providers.pulumi-openclaw.source", "env"),
  nested("browser.profiles.work.cdpPort", 9222),
  nested("models.providers.anthropic.apiKey", "sk-…"),
  nested("mcp.servers.gh.headers.Authorization", "Bearer …"),
  nested("models.providers.anthropic.apiKey", "${ANTHROPIC_API_KEZ}"),
  nested("hooks.token", "${OPENCLAW_HOOKS_TOKEN}"),
  nested("gateway.controlUi.allowedOrigins", [pulumi.output("http://…")]),
  nested("update.checkOnStart", new Date(0)),
  nested("agents.$include", "./agents.json5"),
  nested("agents.defaults.timeoutSeconds", Infinity),
  nested("commands.allowFrom.discord", [123456789012345680]),
];

/** What OpenClaw's schema does not take. */
const NOT_IN_SCHEMA: readonly Args[] = [
  nested("update.channel", "stble"),
  nested("gateway.bnd", "loopback"),
  nested("agents.defaults.coffee", true),
  nested("channels.discord.allowFrom", [1234]),
  nested("agents.entries", { "My Agent": {} }),
  nested("agents.defaults.mediaMaxMb", 0),
  nested("bindings", [{}]),
  nested("agents.list", []),
  nested("routing.groupChat.historyLimit", 5),
  nested("channels.discord.token", { source: "env", var: "DISCORD" }),
  nested("env.LEVEL", "x"),
  nested("gateway.token", "x"),
  nested("telegram", {}),
  nested("cron.webhook", "x"),
  nested("auth.profiles.work", {}),
  nested("worktreeRoot", ""),
  nested("tools.web.search.apiKey", "${BRAVE_API_KEY}"),
  nested("agents.entries", { main: {}, ann: {} }),
  nested("agents.entries", { main: { default: true }, ann: { default: true } }),
  { agents: { ownership: "explicit", entries: { main: { default: true }, ann: {} } } },
];

/** Channels and plugins that nobody has. */
const NOT_BROUGHT_ALONG: readonly Args[] = [
  nested("channels.discrod", {}),
  nested("channels.pigeon", {}),
  nested("plugins.entries.pigeon", {}),
  nested("plugins.entries.brave", {}),
];

/** Between gateways `claw.main` and the one that is to be changed, `ops`. */
function betweenTwo(ops: Args, main: Args = {}, alone = false): readonly Problem[] {
  const others = alone ? [] : [resolved("claw.main", { basePort: 18789, ...main })];
  return checkIsolation([...others, resolved("ops", { profile: "ops", basePort: 20789, ...ops })]);
}

function everyBlockTaken(): readonly Problem[] {
  const bases = Array.from({ length: 581 }, (_, index) => MIN_BASE_PORT + index * BLOCK_SIZE);
  const gateways = bases.map((basePort, n) => resolved(`p${n}`, { profile: `p${n}`, basePort }));
  return checkIsolation([...gateways, resolved("ops", { profile: "ops", basePort: 20789 })]).slice(-1);
}

/** A gateway whose own browser profiles take its whole CDP range. */
function everyCdpPortTaken(): readonly Problem[] {
  const { first } = portBlock(20789);
  const taken = Array.from({ length: 100 }, (_, index) => [`b${index}`, { cdpPort: first + 11 + index }] as const);
  return betweenTwo({ browser: { profiles: Object.fromEntries([...taken, ["work", { cdpPort: 18805 }]]) } });
}

const isolation = (): readonly Problem[] => [
  ...betweenTwo({ basePort: 18809 }),
  ...everyBlockTaken(),
  ...betweenTwo({ profile: "default" }).slice(0, 1),
  ...betweenTwo({ profile: "main" }).slice(0, 1),
  ...betweenTwo({ stateDir: "/srv/claw" }, { stateDir: "/srv/claw" }),
  ...betweenTwo({ stateDir: "/srv/claw/ops" }, { stateDir: "/srv/claw" }),
  ...betweenTwo({ stateDir: "/srv" }, { stateDir: "/srv/claw" }),
  ...betweenTwo({ workspace: "/srv/claw/ops" }, { stateDir: "/srv/claw" }),
  ...betweenTwo({ configPath: "/etc/claw.json" }, { configPath: "/etc/claw.json" }),
  ...betweenTwo({ stateDir: "/srv/ops", workspace: "/srv/ops" }, {}, true),
  ...betweenTwo({ stateDir: "/srv/ops/state", workspace: "/srv/ops" }, {}, true),
  ...betweenTwo({ workspace: "/srv/work", configPath: "/srv/work/openclaw.json" }, {}, true),
  ...betweenTwo({ stateDir: "/srv/ops/state", configPath: "/srv/ops" }, {}, true),
  ...betweenTwo(work({ cdpPort: 18805 })),
  ...betweenTwo(work({ cdpPort: 20790 })),
  ...betweenTwo(work({ cdpPort: 9222 }), work({ cdpPort: 9222 })),
  ...everyCdpPortTaken(),
  ...betweenTwo({ browser: { cdpUrl: "http://chrome.lan:9222" } }, { browser: { cdpUrl: "http://chrome.lan:9222" } }),
  ...betweenTwo({ browser: { cdpUrl: "http://127.0.0.1:18805" } }),
  ...betweenTwo({ expose: { tailscale: "serve" } }, { expose: { tailscale: "serve" } }),
];

/** A main gateway that no stack owns. */
const MAIN_BY_HAND: ExistingGateway = {
  profile: "default",
  stateDir: "/home/you/.openclaw",
  configPath: "/home/you/.openclaw/openclaw.json",
  workspace: "/home/you/.openclaw/workspace",
  url: "http://127.0.0.1:18789",
  port: 18789,
  uid: 1000,
  command: "openclaw",
  restart: undefined,
  config: { mcp: { apps: { sandboxPort: 19790 } } },
  botTokens: ["4711:…"],
};

/** The public half of keys that were made for this page: a host's, and one of a kind that is refused. */
const publicKey = (kind: string): string => {
  const name = Buffer.from(kind);
  const length = Buffer.from([0, 0, 0, name.length]);
  return `${kind} ${Buffer.concat([length, name, Buffer.from([0, 0, 0, 32]), Buffer.alloc(32)]).toString("base64")}`;
};
const ED25519_KEY = publicKey("ssh-ed25519");
const RSA_KEY = publicKey("ssh-rsa");

const INTEGRITY = `sha512-${"A".repeat(86)}==`;

type Library = typeof import("../../components") & typeof import("../../components/stackConfig");

/** Each wrong in its own way. */
const DOCKER_ENGINES: readonly Args[] = [
  { publishAddress: "10.0.0.7" },
  { host: "tcp://203.0.113.7:2375" },
  { host: "ssh://203.0.113.7:99999", hostKey: ED25519_KEY },
  { host: "ssh://claw@203.0.113.7" },
  { host: "ssh://claw@203.0.113.7", hostKey: RSA_KEY },
  { hostKey: ED25519_KEY, identityFile: "~/.ssh/claw" },
  { host: "ssh://claw@203.0.113.7", hostKey: ED25519_KEY, identityFile: "" },
  { host: "ssh://claw@203.0.113.7", hostKey: ED25519_KEY, identityFile: "~/my key" },
  { repository: "openclaw:2026.9.6", digests: { "2026.9.6": "sha256:0123" }, pull: "always", colour: 1 },
  { digests: { latest: `sha256:${"0".repeat(64)}` } },
  { registryAuth: { address: "", username: "" } },
  { memory: 1024, cpus: 0, pids: 10 },
  { memory: 2048.5, pids: 512.5 },
];

/** The problems of whole programs, each on a stack of its own. */
async function programs(): Promise<Record<"composed" | "config" | "engines", readonly Problem[]>> {
  await pulumi.runtime.setMocks(
    { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
    "openclaw",
    "dev",
  );
  // What engines answer to the look at them.
  let silence: string | undefined;
  vi.doMock("../../components/targets/deployerCommand", async (original) => ({
    ...(await original()),
    askDeployer: (_: string, { claims }: EngineLookRequest): Promise<EngineLookAnswer> =>
      Promise.resolve(
        silence === undefined
          ? {
              ...{ cpus: 2, machine: { addresses: ["203.0.113.7"], inNetworks: ["172.18.0.254"] } },
              gateways: claims.map(() => ({ obstacles: [], warnings: [], isThere: false })),
            }
          : { silence },
      ),
  }));
  // The same check again, where the token is used.
  vi.doMock("../../components/preflight", async (original) => ({
    ...(await original()),
    checkedBotToken: ({ botToken }: { botToken: pulumi.Input<string> }) => pulumi.secret(botToken),
  }));
  const library: Library = { ...(await import("../../components")), ...(await import("../../components/stackConfig")) };
  const { currentProgram } = await import("../../components/preflight");
  const { DockerEngine, Gateway, GatewayPair, LocalHost, MainGateway, RescueGateway, SshHost } = library;
  // Where programs put what runs on the deployer.
  const cache = mkdtempSync(join(tmpdir(), "pulumi-openclaw-docs-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  vi.spyOn(process, "getuid").mockReturnValue(0);
  vi.spyOn(LocalHost.prototype, "findConflicts").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => [])),
  );

  vi.spyOn(LocalHost.prototype, "findExistingGateway").mockResolvedValue(undefined);
  vi.spyOn(SshHost.prototype, "findConflicts").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => [])),
  );

  const version = "2026.9.6";
  const here = () => new LocalHost("here", { root: "/home/claw", account: "openclaw-docs" });
  /** The program's resources wait for ever, so nothing of it goes on after the look at it. */
  const problemsOf = (program: () => unknown): Promise<readonly Problem[]> =>
    new Promise((resolve, reject) => {
      const look = async (): Promise<object> => {
        const current = currentProgram();
        vi.spyOn(current, "passed").mockReturnValue(new Promise(() => undefined));
        program();
        resolve(await current["allProblems"]());
        return {};
      };
      pulumi.runtime.runInPulumiStack(look).catch(reject);
    });
  const rescue = (args: Args) => () => new RescueGateway("rescue", { target: here(), version, ...args });
  const box = (args: Args = { hostKey: ED25519_KEY }) =>
    new SshHost("box", { host: "203.0.113.7", registry: "http://registry.example.org", ...args } as never);
  const composed: (() => unknown)[] = [
    () => new Gateway("ops", { version, profile: "ops", basePort: 20789 } as never),
    () => new Gateway("ops", { target: "here", version, profile: "ops", basePort: 20789 } as never),
    () => new Gateway("ops", { target: pulumi.output(here()), version, profile: "ops", basePort: 20789 } as never),
    () => {
      // As a class of another copy makes it.
      const target = new pulumi.ComponentResource("openclaw:index:LocalHost", "here");
      Object.assign(target, { findConflicts: () => [], deploy: () => undefined });
      new Gateway("ops", { target, version, profile: "ops", basePort: 20789 } as never);
    },
    () => new MainGateway("main", undefined as never),
    () => new MainGateway("main", Promise.resolve({}) as never),
    () => new RescueGateway("rescue", "here" as never),
    () => new GatewayPair("claw", undefined as never),
    () => new GatewayPair("claw", { target: here(), version, rescue: { target: 7 } } as never),
    () => new GatewayPair("claw", { target: here(), version, pair: true } as never),
    () => new GatewayPair("claw", { target: here(), version, main: "x", rescue: "x" } as never),
    () => {
      const bot = pulumi.secret("4711:…");
      const target = here();
      new MainGateway("main", { target, version, telegram: { botToken: bot } });
      new RescueGateway("rescue", { target, version, telegram: { botToken: bot, allowFrom: ["4242"] } });
    },
    () => {
      const target = here();
      const slack = { env: { BOT: "xoxb-…" }, config: { channels: { slack: { botToken: "${BOT}" } } } };
      new MainGateway("main", { target, version, ...slack });
      new Gateway("ops", { target, version, profile: "ops", basePort: 20789, ...slack });
    },
    () => {
      const target = here();
      new Gateway("ops", { target, version, profile: "ops", basePort: 20789 });
      new Gateway("ops", { target, version, profile: "dev", basePort: 21789 }, { parent: target });
    },
    rescue(telegram({})),
    rescue(telegram({ allowFrom: ["4242"], dmPolicy: "pairing" })),
    rescue({ config: { channels: { discord: { enabled: true } } } }),
    rescue({ config: { channels: { telegram: { groups: {} } } } }),
    rescue({ expose: { tailscale: "serve" }, config: { gateway: { auth: { allowTailscale: true } } } }),
    rescue({ existingMain: { stateDir: "openclaw", port: 0, command: "", restart: "", colour: 1 } }),
    rescue({ existingMain: { command: "env OPENCLAW_GATEWAY_TOKEN=… openclaw" } }),
    rescue({ existingMain: 7 }),
    () => new GatewayPair("claw", { target: here(), version, rescue: { existingMain: {} } }),
    () => {
      vi.spyOn(LocalHost.prototype, "findExistingGateway").mockResolvedValueOnce(MAIN_BY_HAND);
      rescue({ basePort: 18809 })();
    },
    () => {
      vi.spyOn(LocalHost.prototype, "findExistingGateway").mockResolvedValueOnce(MAIN_BY_HAND);
      rescue(telegram({ botToken: "4711:…", allowFrom: ["4242"] }))();
    },
    () => new LocalHost("here", { root: "home", binDir: "bin", acount: "claw" } as never),
    () => new LocalHost("here", { account: "Claw" }),
    () => new LocalHost("here", { account: "root" }),
    () => new LocalHost("here", { account: "daemon" }),
    () => new LocalHost("here", { integrity: { "2026.9.7": "sha256-…", latest: INTEGRITY } }),
    () => new LocalHost("here", { integrity: { "2026.9.6": INTEGRITY } }),
    () => {
      new LocalHost("here", { integrity: { "2026.9.7": INTEGRITY } });
      box({ hostKey: ED25519_KEY, integrity: { "2026.9.7": INTEGRITY.replace("A", "B") } });
    },
    () => {
      vi.spyOn(units, "lingerConflict").mockReturnValueOnce(units.lingering("you"));
      vi.spyOn(process, "getuid").mockReturnValueOnce(1000);
      new LocalHost("here");
    },
    ...[
      {},
      { hostKey: "SHA256:…" },
      { hostKey: "box" },
      { hostKey: RSA_KEY },
      { port: 0.5, user: "Claw", sudo: "yes", registry: "registry.example.org", supervisor: "runit", proxy: {} },
      { hostKey: ED25519_KEY.slice(0, -8) },
      { hostKey: ED25519_KEY, push: true },
      { hostKey: ED25519_KEY, push: "yes" },
      { port: 70000, registry: "https://you:word@registry.example.org", agentSocketPath: "", key: "x" },
    ].map((args) => () => box(args)),
    () => new RescueGateway("rescue", { target: box(), version, existingMain: { stateDir: "/home/you/.openclaw" } }),
    ...DOCKER_ENGINES.map((args) => () => new DockerEngine("engine", args)),
    () =>
      new RescueGateway("rescue", {
        target: new DockerEngine("engine"),
        version,
        existingMain: { stateDir: "/home/you/.openclaw" },
      }),
  ];
  const onEngine = (host: string, because?: string) => () => {
    silence = because && `the Docker engine at ${host} does not answer: ${because}`;
    const hostKey = host.startsWith("ssh:") ? { hostKey: ED25519_KEY } : {};
    new MainGateway("main", { target: new DockerEngine("engine", { host, ...hostKey, cpus: 4 }), version });
  };
  const socket = "/var/run/docker.sock";
  const proxied = { proxy: { ...SIGN_IN, trustedProxies: ["172.18.0.254"] } };
  const looks = [
    () => new MainGateway("main", { target: new DockerEngine("engine"), version, expose: { lan: {} } }),
    () => new RescueGateway("rescue", { target: new DockerEngine("engine"), version, expose: proxied }),
    onEngine(`unix://${socket}`, `connect ENOENT ${socket}`),
    onEngine("ssh://claw@203.0.113.7", "ssh: connect to host 203.0.113.7 port 22: Connection refused"),
    onEngine(`unix://${socket}`),
  ];
  const config: Record<string, string>[] = [
    { target: "moon", mode: "trio", version },
    { taget: "local", target: "local", mode: "pair", version },
    { target: "local", mode: "pair", version, "main.basePort": "18789" },
    { target: "local", mode: "pair" },
    { target: "local", mode: "pair", version, main: "x", root: "home" },
    { target: "local", mode: "pair", version, main: JSON.stringify({ telegram: { botToken: "4711:…" } }) },
    { target: "local", mode: "rescue", version, main: "{}" },
    { target: "local", mode: "pair", version, ssh: "{}" },
    { target: "ssh", mode: "pair", version, ssh: "x" },
    { target: "ssh", mode: "pair", version, ssh: JSON.stringify({ privateKey: "…", proxy: { password: "…" } }) },
    { target: "docker", mode: "pair", version, root: "/srv/claw" },
    { target: "docker", mode: "pair", version, docker: "x" },
    { target: "docker", mode: "pair", version, main: JSON.stringify({ target: "moon" }) },
    { target: "local", mode: "pair", version, docker: "{}" },
    {
      target: "docker",
      mode: "pair",
      version,
      docker: JSON.stringify({ registryAuth: { address: "registry.example.org", username: "claw", password: "…" } }),
    },
  ];
  const ofConfig = (values: Record<string, string>) => () => {
    pulumi.runtime.setAllConfig(
      Object.fromEntries(Object.entries(values).map(([key, value]) => [`openclaw:${key}`, value])),
    );
    const { main, rescue, ...pair } = library.readStackConfig().pair();
    const onHere = { target: here() }; // a host of the config's would be this machine as it is
    new GatewayPair("openclaw", { ...pair, ...onHere, main: { ...main, ...onHere }, rescue: { ...rescue, ...onHere } });
  };
  const all = async (each: readonly (() => unknown)[]): Promise<Problem[]> => {
    const found: Problem[] = [];
    for (const program of each) found.push(...(await problemsOf(program)));
    return found;
  };
  /** A file in which a part of `config` is marked as a secret. */
  const secretInConfig = async (): Promise<readonly Problem[]> => {
    writeFileSync(
      join(cache, "Pulumi.dev.yaml"),
      "config: { openclaw:main: { config: { hooks: { token: { secure: v1 } } } } }",
    );
    vi.spyOn(pulumi, "getRootDirectory").mockReturnValue(cache);
    const found = await problemsOf(ofConfig({ target: "local", mode: "pair", version }));
    return found.filter(({ path }) => path.startsWith("openclaw.main.config"));
  };
  const problems = {
    composed: await all(composed),
    engines: await all(looks),
    config: [...(await all(config.map(ofConfig))), ...(await secretInConfig())],
  };
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
  return problems;
}

/** What a host can have in the way. Each row makes it, in a directory of its own, and knows it by a word of the reason. */
class Scene {
  readonly directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-docs-"));
  readonly root = join(this.directory, "root");
  readonly manage = manageDir(this.root);

  constructor() {
    chmodSync(this.directory, 0o755);
    mkdirSync(this.root);
  }

  path = (...parts: string[]): string => join(this.root, ...parts);

  put(path: string, content: string): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** A gateway that somebody has claimed here before. */
  claimed(id: string, claim: Partial<ClaimToCheck>, stack = "you/other/dev"): void {
    const owner = { stack, gateway: id, id: "1" };
    const theirs = { basePort: 30000, stateDir: "/srv/x", workspace: "/srv/y", configPath: "/srv/z", ...claim };
    this.put(gatewayPaths(this.manage, id).owner, JSON.stringify({ format: 1, owner, ...theirs }));
  }

  /** Looks at this directory, and at no port or process of the machine. */
  async look(claim: Partial<ClaimToCheck>, { account, listener, locks }: Row): Promise<HostConflict[]> {
    vi.resetModules();
    vi.doMock("../../inspect/openclawLocks", () => ({ othersOpenclawLocks: () => locks }));
    vi.doMock("../../inspect/listeners", async (original) => ({
      ...(await original()),
      listeners: () => (listener ? [listener] : []),
      ephemeralPorts: () => ({ first: 32768, last: 60999 }),
    }));
    vi.doMock("../../inspect/processes", async (original) => ({
      ...(await original()),
      carries: (pid: number, mark: string) => pid === GATEWAY_PID && mark.endsWith("/main"),
      ownerOf: () => process.getuid!(),
    }));
    const { findConflicts: findObstacles } = await import("../../inspect/conflicts");
    const id = claim.id ?? "ops";
    const stateDir = claim.stateDir ?? this.path(`.openclaw-${id}`);
    const layout: HostLayout = { root: this.root, binDir: this.path("bin"), account: account ?? null };
    const whole: ClaimToCheck = {
      id,
      owner: { stack: "you/claw/dev", gateway: "ops" },
      basePort: 20789,
      stateDir,
      workspace: join(stateDir, "workspace"),
      configPath: configFile(this.manage, id),
      wrapper: this.path("bin", `openclaw-${id}`),
      ...claim,
    };
    return findObstacles(layout, [whole]).flat();
  }

  show = (text: string): string => text.replaceAll(this.root, "/home/claw").replaceAll(this.directory, "/srv");
}

interface Row {
  readonly reason: RegExp;
  readonly account?: string;
  /** Who listens on the machine. */
  readonly listener?: Listener;
  /** Somebody else's, in the place of OpenClaw's. */
  readonly locks?: { readonly path: string; readonly uid: number };
  readonly make: (scene: Scene) => Partial<ClaimToCheck>;
}

const mark = (stack: string, released: boolean): string =>
  JSON.stringify({ owner: { stack, gateway: "ops", id: "1" }, released });

/** A process that the machine knows as the gateway of another stack. */
const GATEWAY_PID = 1;
const STRANGER = 4711;

const HOST: readonly Row[] = [
  { reason: /which belongs to/, make: (scene) => (scene.claimed("ops", {}), {}) },
  {
    reason: /another stack of the same name/,
    make: (scene) => (
      scene.claimed("ops", {}, "you/claw/dev"),
      { owner: { stack: "you/claw/dev", gateway: "ops", id: "2" } }
    ),
  },
  {
    reason: /users other than root/,
    account: "openclaw",
    make: (scene) => (chmodSync(scene.root, 0o777), {}),
  },
  { reason: /must not contain each other/, make: ({ manage }) => ({ stateDir: join(manage, "state") }) },
  {
    reason: /cannot enter/,
    account: "daemon",
    make: ({ directory }) => (mkdirSync(join(directory, "private"), { mode: 0o700 }), inside(directory, "private")),
  },
  {
    reason: /cannot be created/,
    make: (scene) => (scene.put(join(scene.directory, "claw"), ""), inside(scene.directory, "claw")),
  },
  { reason: /is not a directory$/, make: (scene) => ({ stateDir: scene.put(scene.path("claw"), "") }) },
  {
    reason: /no stack owns it/,
    make: (scene) => (scene.put(scene.path(".openclaw-ops", "openclaw.json"), "{}"), {}),
  },
  { reason: /does not belong to the user/, make: (scene) => otherUser(scene, ".openclaw-ops") },
  {
    reason: /does not belong to the user/,
    account: "daemon",
    make: (scene) => (mkdirSync(scene.path(".openclaw-ops")), {}),
  },
  {
    reason: /was kept for/,
    make: (scene) => (scene.put(scene.path(".openclaw-ops", STATE_OWNER_FILE), mark("you/other/dev", true)), {}),
  },
  {
    reason: /ops belongs to gateway/,
    make: (scene) => (scene.put(scene.path(".openclaw-ops", STATE_OWNER_FILE), mark("you/other/dev", false)), {}),
  },
  {
    reason: /does not belong to the user/,
    make: (scene) => ({ ...otherUser(scene, "work"), workspace: scene.path("work") }),
  },
  {
    reason: /does not belong to the user/,
    account: "daemon",
    make: (scene) => (mkdirSync(scene.path("work")), { workspace: scene.path("work") }),
  },
  { reason: /its locks/, locks: { path: "/tmp/openclaw-state-locks-998", uid: 1001 }, make: () => ({}) },
  { reason: /this gateway's command/, make: (scene) => (scene.put(scene.path("bin", "openclaw-ops"), ""), {}) },
  { reason: /was not put there/, make: (scene) => ({ configPath: scene.put(scene.path("claw.json"), "{}") }) },
  {
    reason: /with the same profile/,
    make: (scene) => (
      vi.stubEnv("HOME", scene.root),
      scene.put(scene.path(".config/systemd/user/openclaw-gateway-ops.service"), ""),
      {}
    ),
  },
  {
    reason: /starts another gateway/,
    make: (scene) => (
      vi.stubEnv("HOME", scene.root),
      scene.put(
        scene.path(".config/systemd/user/clawdbot-gateway.service"),
        "ExecStart=/usr/bin/node /opt/clawdbot/index.js gateway --port 20789\n",
      ),
      {}
    ),
  },
  { reason: /overlap those of/, make: (scene) => (scene.claimed("main", { basePort: 18789 }), { basePort: 18809 }) },
  {
    reason: /shares/,
    make: (scene) => (
      scene.claimed("main", { stateDir: scene.path(".openclaw") }),
      { workspace: scene.path(".openclaw", "work") }
    ),
  },
  { reason: /python3/, listener: { port: 20800, pid: 4711, command: "python3" }, make: () => ({}) },
  { reason: /another user/, listener: { port: 20800 }, make: () => ({}) },
  { reason: /python3/, listener: { port: 40011, pid: 4711, command: "python3" }, make: () => ({ basePort: 40000 }) },
  {
    reason: /still listens/,
    listener: { port: 20800, pid: GATEWAY_PID, command: "node" },
    make: (scene) => (scene.claimed("main", {}), {}),
  },
];

const inside = (...path: string[]): Partial<ClaimToCheck> => ({ stateDir: join(...path, "ops") });

function otherUser(scene: Scene, name: string): Partial<ClaimToCheck> {
  mkdirSync(scene.path(name));
  vi.spyOn(process, "getuid").mockReturnValue(STRANGER);
  return {};
}

async function onTheHost(): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const row of HOST) {
    const { reason, make } = row;
    const scene = new Scene();
    try {
      const found = (await scene.look(make(scene), row)).find((each) => reason.test(each.reason));
      if (!found) throw new Error(`nothing in the way for ${reason}`);
      problems.push(shownProblem(scene, found));
    } finally {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
      vi.doUnmock("../../inspect/listeners");
      vi.doUnmock("../../inspect/processes");
      vi.doUnmock("../../inspect/openclawLocks");
      rmSync(scene.directory, { recursive: true });
    }
  }
  return problems;
}

const shownProblem = (scene: Scene, { property, reason, advice }: HostConflict): Problem => ({
  path: `ops.${property}`,
  reason: scene.show(reason),
  advice: scene.show(advice),
});

/** Why a main gateway that no stack owns cannot be described. */
function besideUnknown(): readonly Problem[] {
  const broken = (config: string) => (scene: Scene) => {
    scene.put(scene.path(".openclaw-main", "openclaw.json"), config);
    return { stateDir: scene.path(".openclaw-main") };
  };
  const running = (lock: object) => (scene: Scene) => {
    scene.put(scene.path(".openclaw-main", "openclaw.json"), '{ "gateway": { "port": 18789 } }');
    const { pid, startTime } = identify(process.pid)!;
    const text = JSON.stringify({ pid, startTime: Number(startTime), ...lock });
    scene.put(scene.path(".openclaw-main", "tmp", "openclaw-0", "gateway.state.lock"), text);
    return { stateDir: scene.path(".openclaw-main") };
  };
  const rows: ((scene: Scene) => Parameters<typeof findExistingGateway>[0])[] = [
    () => ({ port: 18789 }),
    (scene) => ({ stateDir: scene.path(".openclaw-main") }),
    broken("{"),
    broken('{ "gateway": { "port": "18789" } }'),
    broken('{ "gateway": { "port": 18789 }, "agents": { "defaults": { "workspace": 7 } } }'),
    broken('{ "$include": "./more.json" }'),
    running({ configPath: "/elsewhere/openclaw.json" }),
    running({ port: 20001 }),
    (scene) => {
      scene.put(scene.path("my main", "openclaw.json"), '{ "gateway": { "port": 18789 } }');
      return { stateDir: scene.path("my main") };
    },
  ];
  return rows.map((facts) => {
    const scene = new Scene();
    try {
      const found = findExistingGateway(facts(scene), [scene.root]);
      if (!found || !isUnknown(found)) throw new Error("this gateway can be described");
      const { property, reason, advice } = found;
      return { path: `rescue.existingMain.${property}`, reason: scene.show(reason), advice: scene.show(advice) };
    } finally {
      rmSync(scene.directory, { recursive: true });
    }
  });
}

const SHOWN_KEY = Buffer.from("AAAAC3NzaC1lZDI1NTE5AAAAIA==", "base64");
const EXPECTED_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIQ==";

/** Of an SshHost `box`. */
function overSsh(): readonly Problem[] {
  const user = "claw";
  const refused: readonly Refusal[] = [
    { at: "host", shownKey: SHOWN_KEY.toString("base64") },
    { at: "host", isMute: true },
    { at: "host", keyTypes: ["ecdsa-sha2-nistp256"] },
    { at: "proxy", user, tried: ["none", "publickey"], possible: ["publickey", "password"] },
    { at: "host", user, tried: ["none"], possible: ["publickey"] },
    { at: "host", unusable: "privateKey", because: "no key found" },
    { at: "host", unusable: "privateKeyPassword", because: "decryption password incorrect" },
    { at: "host", unusable: "agentSocketPath", because: "connect: no such file or directory" },
  ];
  const ofUser: HostLayout = { root: "/home/claw", binDir: "/home/claw/.local/bin", account: null };
  const ofRoot: HostLayout = { root: "/var/lib/openclaw", binDir: "/usr/local/bin", account: "openclaw" };
  const found: readonly [Partial<Probe>, HostLayout, sudo?: boolean][] = [
    [{ system: "Darwin", machine: "arm64" }, ofUser],
    [{ loaders: [] }, ofUser],
    [{ libc: "glibc 2.27" }, ofUser],
    [{ linger: false }, ofUser],
    [{ systemd: false }, { ...ofUser, supervisor: "systemd" }],
    [{ sudo: false }, ofRoot, true],
    [{ account: "openclaw:x:1001:1001::/home/openclaw:/bin/bash" }, ofRoot],
    [{ unsafe: ["/srv/claw"] }, { ...ofRoot, root: "/srv/claw" }],
    [{ root: { state: "closed", parent: "/srv" } }, { ...ofUser, root: "/srv/claw" }],
    [{ root: { state: "file", parent: "/srv/claw" } }, { ...ofUser, root: "/srv/claw" }],
    [{ closed: ["/srv/claw"] }, { ...ofRoot, root: "/srv/claw/gateways" }],
    [{ former: { account: "claw", supervisor: "systemd" } }, { ...ofRoot, supervisor: "process" }],
    [{ former: { account: null } }, ofRoot],
    [{ freeBytes: 4e8, missing: ["main", "rescue"] }, ofUser],
  ];
  return [
    ...refused.map((refusal) => problemOf(refusal, "box", EXPECTED_KEY)),
    strangeAnswer({ name: "box", layout: { root: "/home/claw", binDir: "/home/claw/bin", account: null } }),
    unexpected("claw-main"),
    noShell("box", user, { output: "This account is currently not available.\n", errors: "" }),
    ...found.flatMap(
      ([facts, layout, sudo = false]) =>
        hostProblemsOf({ name: "box", layout, sudo }, { ...GOOD_HOST, ...facts }, []).problems,
    ),
  ];
}

/** What an engine can have in the way: made on what answers like one. */
async function onTheEngine(): Promise<readonly Problem[]> {
  const image = "ghcr.io/openclaw/openclaw:2026.9.6";
  const container = "claw-dev-ops";
  const closed = mkdtempSync(join(tmpdir(), "pulumi-openclaw-docs-"));
  const rows: ((docker: FakeDocker) => Partial<ContainerClaim> | void)[] = [
    (docker) => void docker.containers.set(container, {}),
    (docker) => void docker.networks.set(container, {}),
    (docker) => void docker.volumes.set(`${container}-state`, {}),
    (docker) => void docker.containers.set("web", { publishes: [{ port: 20789 }] }),
    (docker) => {
      docker.containers.set("web", { publishes: [{ port: 3978 }] });
      return { around: { publish: [3978] } };
    },
    () => ({ image }),
    () => ({ publish: { address: "127.0.0.1", ports: [LISTENED] } }),
    () => ({ around: { networks: ["ai"] } }),
    (docker) => {
      docker.networks.set("claw-dev-claw-rescue", { [LABELS.gateway]: "claw-rescue" });
      return { around: { networks: ["claw-dev-claw-rescue"] } };
    },
    (docker) => {
      docker.networks.set("overlay", {});
      docker.networkFacts.set("overlay", { Scope: "swarm" });
      return { around: { networks: ["overlay"] } };
    },
    ...[
      { source: "/no/such/directory" },
      { source: "/no/such/directory", readOnly: true },
      { source: "/srv" },
      { source: closed, readOnly: true },
    ].map((mount) => (docker: FakeDocker) => {
      docker.facts = { Name: hostname() };
      return { around: { mounts: [{ ...mount, target: "/data" }] }, engine: docker.address };
    }),
  ];
  vi.resetModules();
  vi.doMock("../../inspect/listeners", async (original) => ({
    ...(await original()),
    listeners: (isWanted: (port: number) => boolean) =>
      isWanted(LISTENED) ? [{ port: LISTENED, pid: 4711, command: "python3" }] : [],
  }));
  const { look } = await import("../../deployer/docker/look");
  const problems: Problem[] = [];
  for (const make of rows) {
    const docker = await FakeDocker.start();
    try {
      const claim: ContainerClaim = {
        engine: { host: LOCAL_ENGINE },
        container,
        owner: { stack: "you/claw/dev", gateway: "ops" },
        publish: { address: "127.0.0.1", ports: [20789] },
        ...make(docker),
      };
      const answer = await look({ engine: docker.address, claims: [claim] });
      const found = "gateways" in answer ? answer.gateways[0]!.obstacles : [];
      if (found.length !== 1) throw new Error(`not one thing in the way: ${JSON.stringify(answer)}`);
      const shown = (text: string): string => text.replaceAll(closed, "/srv/notes");
      problems.push(
        ...found.map(({ property, reason, advice }) => ({
          ...{ path: `ops.${property}`, reason: shown(reason), advice: shown(advice) },
        })),
      );
    } finally {
      docker.stop();
    }
  }
  rmSync(closed, { recursive: true });
  vi.doUnmock("../../inspect/listeners");
  return problems;
}

/** A port that a program of the machine has. */
const LISTENED = 20790;

function stateProblems(): Problem[] {
  const point = {
    ...{ id: "0001-2026.8.2", madeAt: "2026-11-28T12:00:00.000Z", version: "2026.8.2" },
    databases: { [SHARED_DATABASE]: 15 },
  };
  const found = { version: "2026.9.6", schema: 18, points: [point], restored: undefined };
  const wanted = [
    { version: "2026.8.2" },
    { version: "2026.9.6", restoreFrom: "0001-2026.8.2" },
    { version: "2026.8.2", restoreFrom: "0007-2026.8.2" },
  ];
  return [
    ...wanted.flatMap((each) => stateRefusal(each, found) ?? []),
    ...[stateRefusal({ version: "2026.8.2", restoreFrom: "0007-2026.8.2" }, { ...found, points: [] })!],
  ].map(({ property, ...problem }) => ({ path: `ops.${property}`, ...problem }));
}

export async function refusals(): Promise<readonly Section[]> {
  const { composed, config, engines } = await programs();
  const { sshHostSchema } = await import("../../components/targets/ssh");
  const { localHostSchema } = await import("../../components/targets/local");
  const { dockerEngineSchema } = await import("../../components/targets/docker");
  return [
    {
      title: "Arguments of a gateway",
      about: "Of a gateway `ops`. What each argument may be: [reference](reference.md).",
      problems: [
        ...ARGUMENTS.flatMap(gatewayProblems),
        ...UNSAFE,
        ...NEEDED,
        ...wrongKinds(gatewaySchema, gatewayProblems),
      ],
    },
    {
      title: "Keys of `config`",
      about: "What the component decides itself, and secrets, have no place in `config`.",
      problems: [
        ...CONFIG.flatMap((config) => gatewayProblems({ config, env: { ANTHROPIC_API_KEY: "…" } })),
        ...gatewayProblems({ secrets: { KEY: "…" }, config: nested("hooks.token", "${KEY}") }),
        ...gatewayProblems({ secrets: { KEY: "…" }, env: { KEY: "…" } }),
        ...gatewayProblems({ secrets: { key: "…", OPENCLAW_KEY: "…" } }),
        ...gatewayProblems({ config: nested("gateway.bind", "loopback"), expose: { lan: {}, tls: {} } }),
        ...gatewayProblems({
          telegram: { botToken: "4711:…", allowFrom: ["4242"] },
          config: { commands: { ownerAllowFrom: ["telegram:4343"] } },
        }),
        ...NOT_IN_SCHEMA.flatMap((config) =>
          schemaProblems(config as JsonObject, schemaOf("2026.9.6")!, "2026.9.6", "ops.config"),
        ),
        ...NOT_BROUGHT_ALONG.flatMap((config) =>
          unknownPlugins({ config: config as JsonObject, version: "2026.9.6" }, "ops.config", false),
        ),
      ],
    },
    {
      title: "Between the gateways of one machine",
      about: "A gateway `ops` after `claw.main`. The later one in the program is the one to change.",
      problems: isolation(),
    },
    {
      title: "Gateways in containers",
      about: "A gateway `ops` on a Docker engine. Only the ports that it publishes can collide.",
      problems: containers(),
    },
    {
      title: "Pairs, the rescue gateway, and targets",
      about: "",
      problems: [
        ...composed,
        ...wrongKinds(localHostSchema, checkedBy(localHostSchema, "here")),
        ...wrongKinds(sshHostSchema, checkedBy(sshHostSchema, "box")),
        ...wrongKinds(dockerEngineSchema, checkedBy(dockerEngineSchema, "engine")),
        ...wrongKinds(existingMainSchema, checkedBy(existingMainSchema, "rescue.existingMain")),
      ],
    },
    {
      title: "A rescue gateway beside a main gateway that no stack owns",
      about: "",
      problems: besideUnknown(),
    },
    { title: "Configuration of the ready stack", about: "Of a project `openclaw`.", problems: config },
    {
      title: "A host over SSH",
      about:
        "Of an `SshHost` named `box`. Looked at by preview and by `up`, in one connection before all others. A host that " +
        "does not answer is a warning only.",
      problems: overSsh(),
    },
    {
      title: "A Docker engine",
      about:
        "Of a `DockerEngine` named `engine`. Looked at by preview and by `up`. One that does not answer is an error: Pulumi's " +
        "docker plugin asks it for every preview.",
      problems: engines,
    },
    {
      title: "Another version, and recovery points",
      about: "Of a gateway `ops` that runs 2026.9.6 and has a recovery point of 2026.8.2.",
      problems: stateProblems(),
    },
    {
      title: "What is on the engine already",
      about: "Looked at by preview, and again by `up`. What belongs to the gateway already is no obstacle.",
      problems: await onTheEngine(),
    },
    {
      title: "What is on the machine already",
      about:
        "Looked at by preview, and again by `up` on the machine itself. What belongs to the gateway already is no obstacle.",
      problems: await onTheHost(),
    },
  ];
}
