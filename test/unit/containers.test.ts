import { firstToChange } from "../../components/gatewayPair";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { checkIsolation } from "../../components/rules/isolation";
import type { ContainerLayout } from "../../components/rules/placement";
import { othersWorkspaces, unreached } from "../../components/rules/surroundings";
import { resolveGateway, type ResolvedGateway } from "../../components/rules/resolve";
import { dockerEngineSchema } from "../../components/targets/docker";
import { HOST_KEY } from "../mocks/values";
import { engine, inContainer, layout, resolved } from "./gateways";

const telegram = { botToken: "4711:…", allowFrom: ["4242"] };

describe("a gateway in a container", () => {
  it("a container has fixed paths inside, and one port on the engine's machine", () => {
    expect(inContainer("main", { basePort: 21000 })).toMatchObject({
      isContainer: true,
      portRange: { first: 21000, last: 21000 },
      // As they are reached; those of the browser are inside, and the same in every container.
      ports: {
        gateway: 21000,
        canvas: 21000,
        sandbox: 18790,
        browserControl: 18791,
        extensionRelay: { first: 18792, last: 18799 },
        cdp: { first: 18800, last: 18899 },
      },
      url: "http://127.0.0.1:21000",
      stateDir: "/home/node/.openclaw",
      workspace: "/home/node/.openclaw/workspace",
      configPath: "/etc/openclaw/openclaw.json",
      wrapper: "docker exec claw-dev-main openclaw",
      serviceName: "claw-dev-main",
    });
  });

  it("a container has a second port where the sandbox host is published", () => {
    const { portRange, ports } = inContainer("main", { basePort: 21000 }, { ...engine, sandboxPort: true });
    expect(portRange).toEqual({ first: 21000, last: 21001 });
    expect(ports.sandbox).toBe(21001);
  });

  it.each([
    ["127.0.0.1", "http://127.0.0.1:21000", []],
    ["0.0.0.0", "http://127.0.0.1:21000", []],
    ["10.0.0.7", "http://10.0.0.7:21000", ["http://10.0.0.7:21000"]],
  ])("a container published on %s is reached at %s", (address, url, further) => {
    const expose = address === "127.0.0.1" ? undefined : { lan: { address } };
    const gateway = inContainer("main", { basePort: 21000, expose });
    expect(gateway.url).toBe(url);
    expect(gateway.config).toHaveProperty("gateway.controlUi.allowedOrigins", [
      "http://127.0.0.1:21000",
      "http://localhost:21000",
      ...further,
    ]);
  });

  it("a container's command includes Docker's for its engine", () => {
    const docker = "docker -H ssh://claw@203.0.113.7";
    expect(inContainer("main", {}, { ...engine, docker }).wrapper).toBe(`${docker} exec claw-dev-main openclaw`);
  });

  it("a gateway in a container listens for the engine only, and reads its secrets from files", () => {
    expect(inContainer("main", { basePort: 21000, telegram }).config).toMatchObject({
      gateway: {
        mode: "local",
        port: 18789,
        bind: "lan",
        auth: {
          mode: "token",
          token: { source: "file", provider: "openclaw_gateway_token", id: "value" },
          rateLimit: { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 },
        },
      },
      channels: { telegram: { botToken: { source: "file", provider: "telegram_bot_token", id: "value" } } },
      secrets: {
        providers: {
          openclaw_gateway_token: {
            source: "file",
            path: "/etc/openclaw-secrets/OPENCLAW_GATEWAY_TOKEN",
            mode: "singleValue",
          },
          telegram_bot_token: { source: "file", path: "/etc/openclaw-secrets/TELEGRAM_BOT_TOKEN", mode: "singleValue" },
        },
      },
    });
  });

  it("a container without a bot has no file for its token", () => {
    const { config } = inContainer("main", {});
    expect(Object.keys((config.secrets as { providers: object }).providers)).toEqual(["openclaw_gateway_token"]);
  });

  it("`config` may change a container's defaults, and add to what the component owns", () => {
    const config = {
      gateway: { controlUi: { allowedOrigins: ["https://claw.example.org"] } },
      secrets: { providers: { vault: { source: "exec", command: "vault" } } },
    };
    expect(inContainer("main", { config }).config).toMatchObject({
      gateway: {
        bind: "lan",
        controlUi: { allowedOrigins: ["https://claw.example.org"] },
      },
      secrets: { providers: { vault: { command: "vault" }, openclaw_gateway_token: { source: "file" } } },
    });
  });

  it.each([
    ["stateDir", "remove it"],
    [
      "workspace",
      'remove it; or mount a directory there: mounts: [{ source, target: "/home/node/.openclaw/workspace" }]',
    ],
    ["configPath", "remove it"],
  ])("the argument %s cannot be chosen in a container", (property, advice) => {
    expect(problemsIn(engine, { [property]: "/srv/claw" })).toEqual([
      {
        path: `ops.${property}`,
        reason: "cannot be set for a gateway in a container: its volumes are mounted at fixed paths",
        advice,
      },
    ]);
  });

  it("a container's mounts are sorted by target", () => {
    const mounts = [
      { source: "/srv/notes/", target: "/data/notes", readOnly: true },
      { source: "/mnt/work", target: "/home/node/.openclaw/workspace", readOnly: false },
      { source: "/etc/ssl/ca.pem", target: "/etc/ssl/certs/ca.pem" },
      { source: "/run/secrets/telegram", target: "/secrets/telegram", readOnly: true },
      { source: "/srv/repo", target: "/home/node/.openclaw/workspace/repo" },
      { source: "/opt/gog", target: "/usr/local/bin/gog" },
    ];
    expect(inContainer("main", { mounts }).surroundings?.mounts).toEqual([
      { source: "/srv/notes", target: "/data/notes", readOnly: true },
      { source: "/etc/ssl/ca.pem", target: "/etc/ssl/certs/ca.pem" },
      { source: "/mnt/work", target: "/home/node/.openclaw/workspace" },
      { source: "/srv/repo", target: "/home/node/.openclaw/workspace/repo" },
      { source: "/run/secrets/telegram", target: "/secrets/telegram", readOnly: true },
      { source: "/opt/gog", target: "/usr/local/bin/gog" },
    ]);
  });

  const whole = "is the whole file system";
  const socket = "is the socket of an engine";
  const system = "holds what the machine itself runs on";
  const home = "is somebody's home";
  const state = "is a gateway's state on that machine";
  const nobodys = "belongs to the kernel or to the engine itself";
  it.each([
    ["work", "must be an absolute path"],
    ["/", whole],
    ["//", whole],
    ["/srv/../etc", "must not contain . or .."],
    ["/var/run/docker.sock", socket],
    ["/run/user/1000/docker.sock", socket],
    ["/run/podman/podman.sock", socket],
    ["/run/user/1000", "sockets of services"],
    ["/var/run/docker", "sockets of services"],
    ["/home/me/.pulumi-openclaw/gateways/rescue/secrets", "their secrets included"],
    ["/root", home],
    ["/home", home],
    ["/home/alice", home],
    ["/home/alice/", home],
    ["/var/home/alice", home],
    ["/home/alice/.openclaw", state],
    ["/home/alice/.openclaw/openclaw.json", state],
    ["/srv/claw/.openclaw-rescue/agents", state],
    ["/run", system],
    ["/var", system],
    ["/etc", system],
    ["/usr", system],
    ["/proc", system],
    ["/proc/1/root", nobodys],
    ["/dev/sda", nobodys],
    ["/var/lib/docker/volumes/claw-dev-main-state/_data", nobodys],
  ])("a container mounts nothing from %s", (source, expected) => {
    const problems = problemsIn(engine, { mounts: [{ source, target: "/data" }] });
    expect(problems).toHaveLength(1);
    expect(problems[0]!.path).toBe("ops.mounts.0.source");
    expect(problems[0]!.reason).toContain(expected);
  });

  it.each([
    ...["/", "/home", "/home/node", "/home/node/.openclaw", "/home/node/.openclaw/agents", "/etc", "/etc/openclaw"],
    ...[
      "/etc/openclaw-secrets/env",
      "/tmp",
      "/tmp/x",
      "/app",
      "/app/dist",
      "/usr",
      "/usr/local/bin",
      "/proc/x",
      "/lib",
    ],
  ])("a container mounts nothing at %s", (target) => {
    expect(problemsIn(engine, { mounts: [{ source: "/srv/data", target }] })).toMatchObject([
      { path: "ops.mounts.0.target" },
    ]);
  });

  it.each(["/run/secrets", "/run/users", "/home/me/work", "/root/work", "/home/me/.openclaw/workspace"])(
    "a container mounts %s",
    (source) => {
      expect(problemsIn(engine, { mounts: [{ source, target: "/data" }] })).toEqual([]);
    },
  );

  it("a container mounts no two things at the same target", () => {
    const mounts = ["/srv/a", "/srv/b"].map((source) => ({ source, target: "/data" }));
    expect(problemsIn(engine, { mounts })).toMatchObject([
      { path: "ops.mounts", reason: "must not mount two things at the same target" },
    ]);
  });

  it("networks and names of a container have a stable order", () => {
    const args = { networks: ["b", "a"], extraHosts: { vault: "10.0.0.7", "host.docker.internal": "host-gateway" } };
    expect(JSON.stringify(inContainer("main", args).surroundings)).toBe(
      '{"networks":["a","b"],"extraHosts":{"host.docker.internal":"host-gateway","vault":"10.0.0.7"}}',
    );
    for (const nothing of [{}, { networks: [], extraHosts: {} }])
      expect(inContainer("main", nothing)).not.toHaveProperty("surroundings");
  });

  it.each<[object, RegExp]>([
    [{ networks: "ai" }, /^ops\.networks: must be a list/],
    [{ networks: [""] }, /^ops\.networks\.0: must be the name of a Docker network/],
    [{ networks: ["container:web"] }, /^ops\.networks\.0: must be the name of a Docker network/],
    [{ networks: ["ai", "host"] }, /^ops\.networks\.1: is Docker's own network.*-> create one/],
    [{ networks: ["bridge"] }, /^ops\.networks\.0: is Docker's own network/],
    [{ networks: ["ai", "ai"] }, /^ops\.networks: must not name a network twice/],
    [{ publish: 3978 }, /^ops\.publish: must be a list/],
    [{ publish: [0] }, /^ops\.publish\.0: must be between 1 and 65535/],
    [{ publish: [18789] }, /^ops\.publish\.0: is one of the gateway's own ports inside the container, 18789-18899/],
    [{ publish: [3978, 3978] }, /^ops\.publish: must not name a port twice/],
    [{ extraHosts: { "a b": "10.0.0.7" } }, /^ops\.extraHosts\.a b: is not a valid host name/],
    [{ extraHosts: { localhost: "10.0.0.7" } }, /^ops\.extraHosts\.localhost: is the container itself/],
    [{ extraHosts: { db: "db.lan" } }, /^ops\.extraHosts\.db: must be an IP address or "host-gateway"/],
    [{ extraHosts: { db: 7 } }, /^ops\.extraHosts\.db: must be an IP address or "host-gateway"/],
  ])("a container with %j is refused", (args, expected) => {
    const problems = problemsIn(engine, args);
    expect(problems).toHaveLength(1);
    expect(problems.map(({ path, reason, advice }) => `${path}: ${reason} -> ${advice}`)[0]).toMatch(expected);
  });

  it.each<[object, object, string[]]>([
    [{ agents: { defaults: { sandbox: { mode: "off" } } } }, {}, []],
    [{ agents: { defaults: { sandbox: { backend: "docker" } } } }, {}, []],
    [{ agents: { defaults: { sandbox: { mode: "all" } } } }, {}, ["defaults.sandbox.mode"]],
    [{ agents: { defaults: { sandbox: { mode: "non-main", backend: "podman" } } } }, {}, ["defaults.sandbox.mode"]],
    [{ agents: { defaults: { sandbox: { mode: "all", backend: "ssh" } } } }, {}, []],
    [{ agents: { entries: { work: { sandbox: { mode: "all" } } } } }, {}, ["entries.work.sandbox.mode"]],
    [
      {
        agents: {
          defaults: { sandbox: { mode: "all", backend: "openshell" } },
          entries: {
            work: { sandbox: { backend: "docker" } },
            play: { sandbox: { mode: "off", backend: "docker" } },
            plain: {},
          },
        },
      },
      {},
      ["entries.work.sandbox.backend"],
    ],
    // An engine elsewhere, for an image with its client.
    [{ agents: { defaults: { sandbox: { mode: "all" } } } }, { DOCKER_HOST: "tcp://docker:2375" }, []],
    [{ agents: { defaults: { sandbox: { mode: "all" } } } }, { CONTAINER_HOST: "x" }, ["defaults.sandbox.mode"]],
  ])("sandboxes of %j, with %j: refused at %j", (config, env, refused) => {
    expect(problemsIn(engine, { config, env }).map(({ path }) => path)).toEqual(
      refused.map((at) => `ops.config.agents.${at}`),
    );
    expect(resolveGateway("ops", { version: "2026.9.6", basePort: 20789, config, env }, layout).problems).toEqual([]);
  });

  it.each([
    ["claw-dev", "ops", true],
    ["claw_2.x-Dev", "ops", true],
    ["claw-dev", "o p s", false],
    ["claw-dev", "ops/1", false],
    ["claw-dev", "n".repeat(54), true],
    ["claw-dev", "n".repeat(55), false],
    [".claw", "ops", false],
  ])("a container %s-%s: %s", (prefix, name, isAllowed) => {
    const problems = problemsIn({ ...engine, prefix }, {}, name);
    expect(problems.map(({ path, reason }) => `${path}: ${reason}`)).toEqual(
      isAllowed ? [] : [`ops: its container would be called "${prefix}-${name}", which Docker does not allow`],
    );
  });
});

const problemsIn = (layout: ContainerLayout, args: object, name = "ops") =>
  resolveGateway("ops", { version: "2026.9.6", basePort: 20789, ...args }, layout, name).problems;

describe("beside each other", () => {
  const between = (...gateways: ResolvedGateway[]) => checkIsolation(gateways);

  it("two containers may be one port apart, and of the same profile", () => {
    expect(between(inContainer("main", { basePort: 18789 }), inContainer("ops", { basePort: 18790 }))).toEqual([]);
  });

  it("containers that publish the same port are refused, with the next one", () => {
    expect(between(inContainer("main", { basePort: 18789 }), inContainer("ops", { basePort: 18789 }))).toEqual([
      {
        path: "ops.basePort",
        reason: "its ports 18789 overlap those of main (18789)",
        advice: "use 18790, the nearest free base port",
      },
    ]);
  });

  it("a sandbox host's port counts as published", () => {
    const both = { ...engine, sandboxPort: true };
    expect(between(inContainer("main", { basePort: 18789 }, both), inContainer("ops", { basePort: 18790 }))).toEqual([
      {
        path: "ops.basePort",
        reason: "its ports 18790 overlap those of main (18789-18790)",
        advice: "use 18791, the nearest free base port",
      },
    ]);
    expect(
      between(inContainer("main", { basePort: 18789 }), inContainer("ops", { basePort: 18788 }, both))[0]?.advice,
    ).toBe("use 18787, the nearest free base port");
  });

  it("a container and a host gateway may have the same profile", () => {
    expect(between(resolved("main", { basePort: 18789 }), inContainer("ops", { basePort: 19789 }))).toEqual([]);
    expect(between(inContainer("main", { basePort: 18789 }), resolved("ops", { basePort: 18790 }))).toEqual([]);
  });

  it("a container's port inside a host gateway's block is refused", () => {
    expect(between(resolved("main", { basePort: 18789 }), inContainer("ops", { basePort: 18809 }))).toEqual([
      {
        path: "ops.basePort",
        reason: "its ports 18809 overlap those of main (18789-18899): a gateway owns base … base+110",
        advice: "use 18788, the nearest free base port",
      },
    ]);
    // The later one is the one to change, and a host gateway needs room for all its ports.
    expect(between(inContainer("main", { basePort: 18809 }), resolved("ops", { basePort: 18789 }))).toEqual([
      {
        path: "ops.basePort",
        reason: "its ports 18789-18899 overlap those of main (18809): a gateway owns base … base+110",
        advice: "use 18810, the nearest free base port",
      },
    ]);
  });

  it("explicit ports of a container do not collide with others", () => {
    const work = (cdpPort: number) => ({ browser: { profiles: { work: { cdpPort } } } });
    const webhook = { config: { channels: { telegram: { webhookUrl: "https://claw.example.org/hook" } } }, telegram };
    expect(
      between(
        resolved("main", { basePort: 18789, ...work(9222) }),
        inContainer("ops", { basePort: 19789, ...work(9222), ...webhook }),
        inContainer("dev", { basePort: 19790, ...work(18800), ...webhook }),
      ),
    ).toEqual([]);
    expect(
      between(inContainer("ops", { basePort: 19789 }), resolved("main", { basePort: 18789, ...work(19789) })),
    ).toMatchObject([
      { path: "main.browser.profiles.work.cdpPort", reason: "19789 is one of the ports of ops (19789)" },
    ]);
  });

  it("published ports collide with what others have on the machine", () => {
    const publishing = (publish: number[], more = {}) => inContainer("ops", { basePort: 19789, publish, ...more });
    const advice = "use another port, in `config` too";
    const problem = (reason: string) => [{ path: "ops.publish", reason, advice }];
    const other = inContainer("main", { basePort: 18789, publish: [3978] });
    expect(between(other, publishing([3979]))).toEqual([]);
    expect(between(other, publishing([3978]))).toEqual(problem("3978 is already used by main.publish"));
    expect(between(inContainer("main", { basePort: 4000 }), publishing([4000]))).toEqual(
      problem("4000 is one of the ports of main (4000)"),
    );
    expect(between(publishing([19789]))).toEqual(problem("19789 is already the gateway port of this gateway"));
    expect(between(publishing([19005]), resolved("main", { basePort: 18950 }))).toEqual(
      problem("19005 is one of the ports of main (18950-19060)"),
    );
    const webhook = { config: { channels: { msteams: { webhook: { port: 3978 } } } } };
    expect(between(publishing([3978]), resolved("main", { basePort: 18789, ...webhook }))).toMatchObject([
      { path: "main.config.channels.msteams.webhook.port", reason: "3978 is already used by ops.publish" },
    ]);
    // What is not published is the container's own.
    expect(between(other, publishing([], webhook))).toEqual([]);
  });

  it.each<[object, object, string[]]>([
    [{ msteams: { webhook: { port: 3978 } } }, {}, ["port 3978 (config.channels.msteams.webhook.port) is reached by"]],
    [{ msteams: { webhook: { port: 3978 } } }, { publish: [3978] }, []],
    [{ msteams: { webhook: { port: 3978 } } }, { networks: ["proxy"] }, []],
    [{ msteams: { webhook: { port: 3978 }, enabled: false } }, {}, []],
    [{ signal: { transport: { httpPort: 8080 } } }, {}, []],
    [
      { "nextcloud-talk": { webhookPort: 8788, webhookHost: "127.0.0.1" } },
      { publish: [8788] },
      [
        "port 8788 (config.channels.nextcloud-talk.webhookPort) answers inside the container only: set config.channels.nextcloud-talk.webhookHost",
      ],
    ],
    [
      { telegram: { webhookUrl: "https://claw.example.org" } },
      { telegram, publish: [8787] },
      ["port 8787 (config.channels.telegram.webhookPort) answers inside"],
    ],
    [
      { telegram: { webhookUrl: "https://claw.example.org", webhookHost: "0.0.0.0" } },
      { telegram, publish: [8787] },
      [],
    ],
  ])("a warning names the channels that nobody reaches, of %j with %j: %j", (channels, args, expected) => {
    const lines = unreached(inContainer("ops", { config: { channels }, ...args }));
    expect(lines).toHaveLength(expected.length);
    expected.forEach((text, index) => expect(lines[index]).toContain(`ops: ${text}`));
  });

  it("two mounts of the same files are refused, unless one is read-only", () => {
    const at = (source: string, more: object = {}) => ({ mounts: [{ source, target: "/data", ...more }] });
    const pair = (theirs: Record<string, unknown>, mine: Record<string, unknown>) =>
      between(inContainer("main", theirs), inContainer("ops", { basePort: 19789, ...mine }));
    const advice = "give each gateway its own directory, or set readOnly for the outer one";
    expect(pair(at("/srv/a"), at("/srv/a/b"))).toEqual([
      { path: "ops.mounts", reason: "/srv/a/b and main.mounts (/srv/a) are or contain each other", advice },
    ]);
    expect(pair(at("/srv/a/b"), at("/srv/a"))).toHaveLength(1);
    expect(pair(at("/srv/a"), at("/srv/a", { readOnly: true }))).toEqual([]);
    expect(pair(at("/srv/a"), at("/srv/ab"))).toEqual([]);
  });

  it("nothing is mounted from where a bot could replace it by a link", () => {
    const at = (source: string, more: object = {}) => ({ source, target: source, ...more });
    const outer = at("/srv/a", { readOnly: true });
    const inner = at("/srv/a/b", { readOnly: true });
    const reasons = (...mounts: object[]) => between(inContainer("main", { mounts })).map(({ reason }) => reason);
    expect(reasons(at("/srv/a"), inner)).toEqual([
      "/srv/a/b is inside /srv/a, where the bot could put a link in its place",
    ]);
    expect(reasons(outer, at("/srv/a/b"))).toEqual([]);
    expect(reasons(at("/srv/a"), at("/srv/ab"))).toEqual([]);
    const pair = (mine: object, theirs: object) =>
      between(inContainer("main", { mounts: [mine] }), inContainer("ops", { basePort: 19789, mounts: [theirs] }));
    expect(pair(at("/srv/a"), inner)).toHaveLength(1);
    expect(pair(inner, at("/srv/a"))).toHaveLength(1);
    expect(pair(outer, at("/srv/a/b"))).toEqual([]);
  });

  it("nothing of a gateway on the machine may be mounted", () => {
    const onHost = resolved("main", { basePort: 18789, workspace: "/srv/work" });
    const mounting = (source: string) =>
      inContainer("ops", { basePort: 19789, mounts: [{ source, target: "/data", readOnly: true }] });
    const elsewhere = resolved("main", { basePort: 18789, workspace: "/srv/work" }, { ...layout, root: "/srv/claw" });
    expect(between(elsewhere, mounting("/srv/claw")).map(({ reason }) => reason)).toEqual([
      "/srv/claw and main.configPath (/srv/claw/.pulumi-openclaw/gateways/main/current/openclaw.json) are or contain each other",
      "/srv/claw and main.stateDir (/srv/claw/.openclaw) are or contain each other",
    ]);
    const existing = { ...resolved("main", { basePort: 18789, stateDir: "/opt/claw" }), isExisting: true as const };
    expect(checkIsolation([mounting("/opt/claw/workspace")], [existing])).toMatchObject([
      { path: "ops.mounts", reason: expect.stringContaining("stateDir of main (/opt/claw)") as string },
      { path: "ops.mounts", reason: expect.stringContaining("workspace of main (/opt/claw/workspace)") as string },
    ]);
    expect(between(mounting("/srv/work/notes"), onHost)).toMatchObject([
      { path: "main.workspace", advice: "give each gateway its own directory" },
    ]);
    expect(between(onHost, mounting("/srv/other"))).toEqual([]);
  });

  it("where a gateway may have its workspace is said, unless it is only read", () => {
    const said = (source: string, readOnly = false): string[] =>
      othersWorkspaces(inContainer("ops", { mounts: [{ source, target: "/data", readOnly }] }));
    expect(said("/home/me/.openclaw-dev/workspace-ops/notes")).toEqual([
      expect.stringContaining("ops.mounts: /home/me/.openclaw-dev/workspace-ops/notes is where a gateway"),
    ]);
    expect(said("/home/me/.openclaw/workspace", true)).toEqual([]);
    expect(said("/home/me/work")).toEqual([]);
  });

  it("a browser on its own loopback is a container's own; one elsewhere is shared", () => {
    const at = (cdpUrl: string) => ({ browser: { cdpUrl } });
    const pair = (url: string) =>
      between(resolved("main", { basePort: 18789, ...at(url) }), inContainer("ops", { basePort: 19789, ...at(url) }));
    expect(pair("http://127.0.0.1:9222")).toEqual([]);
    expect(pair("http://chrome.lan:9222")).toMatchObject([
      { path: "ops.browser.cdpUrl", reason: "is the same browser as main.browser.cdpUrl" },
    ]);
    expect(
      between(
        inContainer("ops", { basePort: 19789 }),
        resolved("main", { basePort: 18789, ...at("http://127.0.0.1:19789") }),
      ),
    ).toMatchObject([{ path: "main.browser.cdpUrl", reason: "port 19789 on this host belongs to ops (19789)" }]);
  });
});

describe("arguments of DockerEngine", () => {
  const refused = (args: object): string[] =>
    dockerEngineSchema.safeParse(args).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

  it.each<object>([
    {},
    { host: "unix:///run/user/1000/docker.sock" },
    { host: "ssh://claw@203.0.113.7", hostKey: HOST_KEY, identityFile: "~/.ssh/claw" },
    { host: "ssh://box.lan:2222", hostKey: HOST_KEY },
    { host: "ssh://claw@[2001:db8::7]:22", hostKey: HOST_KEY },
    { host: pulumi.output("ssh://claw@203.0.113.7"), hostKey: pulumi.output(HOST_KEY) },
    { repository: "registry.example.org:5000/openclaw/openclaw", pull: "never" },
    { digests: { "2026.9.6": `sha256:${"0".repeat(64)}` } },
    { registryAuth: { address: "registry.example.org", username: "claw", password: pulumi.secret("…") } },
    { sandboxPort: true, memory: 1536, cpus: 0.5, pids: 64 },
  ])("DockerEngine accepts %j", (args) => {
    expect(refused(args)).toEqual([]);
  });

  const needsUrl = "host: must be unix:///PATH or ssh://USER@HOST[:PORT]";
  it.each<[object, string | RegExp]>([
    [{ host: "tcp://203.0.113.7:2375" }, needsUrl],
    [{ host: "/var/run/docker.sock" }, needsUrl],
    [{ host: "unix://docker.sock" }, needsUrl],
    [{ host: "ssh://claw@203.0.113.7/path", hostKey: HOST_KEY }, needsUrl],
    [{ host: "ssh://claw:password@203.0.113.7", hostKey: HOST_KEY }, needsUrl],
    [{ host: "ssh://-oProxyCommand=id", hostKey: HOST_KEY }, needsUrl],
    [{ host: "ssh://203.0.113.7:ssh", hostKey: HOST_KEY }, needsUrl],
    [{ host: "ssh://203.0.113.7:99999", hostKey: HOST_KEY }, needsUrl],
    [{ host: "ssh://[2001:db8::7", hostKey: HOST_KEY }, needsUrl],
    [{ host: "" }, /^host: must be/],
    [{ host: "ssh://claw@203.0.113.7" }, /^hostKey: is required/],
    [{ host: "ssh://claw@203.0.113.7", hostKey: "SHA256:…" }, /^hostKey: /],
    [{ identityFile: "~/.ssh/claw" }, "identityFile: is only for an engine reached over ssh://"],
    [{ hostKey: HOST_KEY }, "hostKey: is only for an engine reached over ssh://"],
    [{ host: "unix:///run/docker.sock", hostKey: HOST_KEY }, "hostKey: is only for an engine reached over ssh://"],
    [{ host: "unix:///run/docker.sock", identityFile: "k" }, "identityFile: is only for an engine reached over ssh://"],
    [{ host: "ssh://box", hostKey: HOST_KEY, identityFile: "my key" }, /^identityFile: must not contain/],
    [{ repository: "openclaw:2026.9.6" }, /^repository: must be an image name/],
    [{ repository: `openclaw@sha256:${"0".repeat(64)}` }, /^repository: must be an image name/],
    [{ digests: { "2026.9.6": "sha256:0123" } }, /^digests\.2026\.9\.6: must be sha256: followed by 64/],
    [{ digests: { latest: `sha256:${"0".repeat(64)}` } }, /^digests/],
    [{ pull: "always" }, /^pull: /],
    [{ registryAuth: { address: "registry.example.org", username: "claw" } }, /^registryAuth\.password: /],
    [{ memory: 1024 }, "memory: must be 1536 or more: a gateway does not start with less"],
    [{ memory: 2048.5 }, "memory: must be a whole number"],
    [{ cpus: 0 }, "cpus: must be 0.1 or more"],
    [{ cpus: "0.05" }, "cpus: must be 0.1 or more"],
    [{ cpus: "x" }, "cpus: must be a number"],
    [{ pids: 10 }, /^pids: must be 64 or more/],
    [{ colour: 1 }, /Unrecognized key/],
  ])("DockerEngine refuses %j", (args, expected) => {
    const found = refused(args);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(typeof expected === "string" ? new RegExp(`^${escape(expected)}$`) : expected);
  });
});

it("cpus may be a string, as stack config stores fractions", () => {
  expect(dockerEngineSchema.parse({ cpus: "1.5" })).toEqual({ cpus: 1.5 });
});

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

it.each([
  ["nothing", "nothing", undefined],
  ["nothing", "up", "rescue"],
  ["up", "nothing", "rescue"],
  ["up", "up", "rescue"],
  ["up", "down", "rescue"],
  ["down", "up", "main"],
  ["down", "down", "main"],
  [undefined, undefined, "rescue"],
  ["nothing", undefined, "rescue"],
] as const)("main %s, rescue %s: %s is changed first", (main, rescue, first) => {
  expect(firstToChange(main, rescue)).toBe(first);
});
