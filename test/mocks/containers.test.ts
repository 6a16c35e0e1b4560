import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CheckRequest, ContainerClaim, HealthRequest, PartnerRequest, StageRequest } from "../../model/requests";
import { isSecret, MockedProgram, placeInTree, valueOf, type Registered } from "./program";
import { HOST_KEY } from "./values";

const program = new MockedProgram();
/** A request in plain text, as a preview shows it. */
const shown = <Request>(name: string): Request => JSON.parse(program.find(name).inputs.stdin as string) as Request;
const hidden = <Request>(name: string): Request => {
  const { stdin } = program.find(name).inputs;
  expect(isSecret(stdin), `${name} hides its request`).toBe(true);
  return JSON.parse((stdin as { value: string }).value) as Request;
};

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const CONTAINER_ID = "c0".repeat(32);
const FAR = "@203.0.113.7:2222";
const urns: string[] = [];

/** Machines say something that shows where it came from. */
function stateOf({ type, name, inputs }: Registered): Record<string, unknown> {
  const image = { imageId: `${name}-image` };
  if (type === "docker:index/container:Container") return { ...image, id: CONTAINER_ID };
  const isOfContainers = String(inputs.create).includes("/containers-1.cjs");
  // The pair's was made before there was a limit of the heap.
  const since = name.endsWith("-check") && !name.startsWith("claw-") ? "-heap" : "";
  return isOfContainers ? { ...image, stdout: `${name.replace(/@.*/, "")}-said${since}` } : image;
}

const warned = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
beforeAll(() =>
  program.run(
    async ({ DockerEngine, Gateway, GatewayPair, LocalHost }) => {
      const version = "2026.9.6";
      const engine = new DockerEngine("engine", { sandboxPort: true });
      const pair = new GatewayPair("claw", {
        target: engine,
        version,
        main: {
          basePort: 21000,
          telegram: { botToken: pulumi.secret("canary-main-bot"), allowFrom: ["4242"] },
          env: { KEY: "canary-env" },
          config: { update: { channel: "beta" } },
        },
        rescue: { basePort: 21002, telegram: { botToken: "canary-rescue-bot", allowFrom: [1] } },
      });
      const far = new DockerEngine("far", {
        host: "ssh://claw@203.0.113.7:2222",
        hostKey: HOST_KEY,
        identityFile: "~/.ssh/claw",
        repository: "registry.example.org/openclaw",
        digests: { [version]: DIGEST },
        pull: "never",
        registryAuth: { address: "registry.example.org", username: "claw", password: "canary-registry" },
        memory: 4096,
        cpus: 1.5,
        pids: 1024,
      });
      const ops = new Gateway("ops", {
        target: far,
        version,
        profile: "ops",
        basePort: 21000,
        expose: { lan: { address: "10.0.0.7" } },
      });
      const here = new LocalHost("here", { root: "/tmp/no-such-root", account: "openclaw-test" });
      new Gateway("beside", {
        target: engine,
        version,
        basePort: 21008,
        networks: ["b", "ai"],
        extraHosts: { "host.docker.internal": "host-gateway" },
        publish: [3978],
        mounts: [
          { source: "/mnt/work", target: "/home/node/.openclaw/workspace" },
          { source: "/srv/notes", target: "/data", readOnly: true },
        ],
      });
      new GatewayPair("mixed", {
        target: engine,
        version,
        main: { basePort: 21004, profile: "a", maxOldSpaceSize: 1024 },
        rescue: {
          target: here,
          basePort: 21200,
          profile: "b",
          config: { agents: { defaults: { sandbox: { mode: "all" } } } },
        },
      });
      for (const resource of [engine, pair, pair.main, ops]) urns.push(await valueOf(resource.urn));
      for (const gateway of [pair.main, ops]) await valueOf(gateway.url);
    },
    [`ops-health${FAR}`, "claw-rescue-health", "mixed-main-health", "beside-health"],
    stateOf,
  ),
);
afterAll(() => program.end());

describe("the tree of gateways in containers", () => {
  const ofGateway = (name: string, suffix: string): string[] => [
    `openclaw:index:Gateway ${name}`,
    `pulumi:index:Stash ${name}-token`,
    `pulumi:index:Stash ${name}-repair`,
    ...["claim", "secrets", "check", "health"].map((what) => `command:local:Command ${name}-${what}${suffix}`),
    `docker:index/network:Network ${name}-network${suffix}`,
    `docker:index/volume:Volume ${name}-state${suffix}`,
    `docker:index/volume:Volume ${name}-workspace${suffix}`,
    `docker:index/container:Container ${name}-container${suffix}`,
  ];

  it("resources of containers are named after their gateway, and after the engine's machine where it is another one", () => {
    const ours = (part: string): boolean => !/ (mixed|beside|here|openclaw-2026)/.test(part);
    expect(program.tree().filter(ours).sort()).toEqual(
      [
        "openclaw:index:DockerEngine engine",
        "pulumi:index:Stash engine-owner",
        "pulumi:providers:docker engine-engine",
        "docker:index/remoteImage:RemoteImage engine-image-2026.9.6",
        "openclaw:index:DockerEngine far",
        "pulumi:index:Stash far-owner",
        `pulumi:providers:docker far-engine${FAR}`,
        `docker:index/remoteImage:RemoteImage far-image-2026.9.6${FAR}`,
        "openclaw:index:GatewayPair claw",
        ...["claw-main", "claw-rescue"].flatMap((name) => [
          ...ofGateway(name, ""),
          `command:local:Command ${name}-partner`,
        ]),
        ...ofGateway("ops", FAR),
      ].sort(),
    );
  });

  it("the gateways of a pair in containers are its children", () => {
    expect(urns.map(placeInTree)).toEqual([
      "openclaw:index:DockerEngine engine",
      "openclaw:index:GatewayPair claw",
      "openclaw:index:GatewayPair$openclaw:index:Gateway claw-main",
      "openclaw:index:Gateway ops",
    ]);
  });

  it("the resources of a container are created in this order", () => {
    for (const wanted of [
      ["claim", "network", "secrets", "check", "partner", "container", "health"].map((what) => `claw-main-${what}`),
      ["claim", "state", "secrets"].map((what) => `claw-main-${what}`),
      // One gateway of a pair after the other.
      ["claw-rescue-container", "claw-rescue-health", "claw-main-partner", "claw-main-container"],
    ])
      expect(wanted.map((name) => program.names().indexOf(name))).toEqual(
        wanted.map((name) => program.names().indexOf(name)).sort((a, b) => a - b),
      );
  });
});

describe("secrets", () => {
  it("a container's secrets are in one request, and nowhere else", () => {
    const { env, telegram } = hidden<StageRequest>("claw-main-secrets");
    expect(telegram).toBe("https://api.telegram.org");
    expect(env).toMatchObject({ TELEGRAM_BOT_TOKEN: "canary-main-bot", KEY: "canary-env" });
    expect(env.OPENCLAW_GATEWAY_TOKEN).toMatch(/^[0-9a-f]{64}$/);
    expect(isSecret(program.find("claw-main-token").inputs.input)).toBe(true);
    expect(program.plainInputs()).not.toContain("canary");
    expect(program.plainInputs()).not.toContain(env.OPENCLAW_GATEWAY_TOKEN);
  });

  it("a registry's credentials are secret in its provider", () => {
    expect(isSecret(program.find(`far-engine${FAR}`).inputs.registryAuth)).toBe(true);
  });

  it("everything but the secrets of a container can be read in a preview", () => {
    for (const name of ["claim", "check", "health"])
      expect(typeof program.find(`claw-main-${name}`).inputs.stdin, name).toBe("string");
    expect(Object.entries(program.find("claw-main-container").inputs).filter(([, value]) => isSecret(value))).toEqual(
      [],
    );
  });
});

describe("the check before a container is made", () => {
  it("the check of a container has the whole configuration in plain text", () => {
    const { config, ...request } = shown<CheckRequest>("claw-main-check");
    expect(config).toMatchObject({
      gateway: { bind: "lan", port: 18789 },
      update: { channel: "beta" },
      channels: { telegram: { botToken: { source: "file", provider: "telegram_bot_token" }, allowFrom: ["4242"] } },
    });
    expect(request).toEqual({
      claim: {
        engine: { host: "unix:///var/run/docker.sock", ssh: [] },
        container: "project-stack-claw-main",
        owner: {
          stack: "organization/project/stack",
          gateway: "claw-main",
          id: program.find("engine-owner").inputs.input,
        },
        publish: { address: "127.0.0.1", ports: [21000, 21001] },
      },
      version: "2026.9.6",
      image: "engine-image-2026.9.6-image",
      secrets: "claw-main-secrets-said",
      limits: { memoryMiB: 2048, cpus: 2, pids: 512 },
      isAlone: false,
      because: "it is new",
    });
  });

  it("the check's text has a stable order, since it is stored in the state", () => {
    const { stdin } = program.find(`ops-check${FAR}`).inputs as { stdin: string };
    const text = stdin.replace(program.find("far-owner").inputs.input as string, "OWNER").replaceAll(HOST_KEY, "KEY");
    expect(text.replace(/"config":.*,"image"/, '"config":{},"image"')).toMatchInlineSnapshot(
      `"{"claim":{"engine":{"host":"ssh://claw@203.0.113.7:2222","ssh":["-o","BatchMode=yes","-o","StrictHostKeyChecking=yes","-o","UserKnownHostsFile=/dev/null","-o","GlobalKnownHostsFile=/dev/null","-o","KnownHostsCommand=/usr/bin/env echo %H KEY","-o","IdentitiesOnly=yes","-i","~/.ssh/claw"]},"container":"project-stack-ops","owner":{"stack":"organization/project/stack","gateway":"ops","id":"OWNER"},"publish":{"address":"10.0.0.7","ports":[21000]}},"version":"2026.9.6","config":{},"image":"far-image-2026.9.6@203.0.113.7:2222-image","secrets":"ops-secrets-said","limits":{"memoryMiB":4096,"cpus":1.5,"pids":1024},"isAlone":true,"because":"it is new"}"`,
    );
    // Whether the image may be fetched is of the claim alone: with it a change would show as one of the container.
    const claim = /"claim":(.*)\},"version"/.exec(stdin)![1]!;
    expect(program.find(`ops-claim${FAR}`).inputs.stdin).toBe(
      `${claim},"image":"registry.example.org/openclaw@${DIGEST}"}`,
    );
    const health = program.find(`ops-health${FAR}`).inputs.stdin as string;
    const known = health.replace(/"claim":.*,"limits"/, '"claim":{},"limits"').replace(CONTAINER_ID, "CONTAINER");
    expect(known).toMatchInlineSnapshot(
      `"{"claim":{},"limits":{"memoryMiB":4096,"cpus":1.5,"pids":1024},"volumes":["ops-check-said","ops-secrets-said"],"because":"CONTAINER"}"`,
    );
    const { value } = program.find(`ops-secrets${FAR}`).inputs.stdin as { value: string };
    expect([...value.matchAll(/"(\w+)":/g)].map(([, key]) => key).slice(-5)).toMatchInlineSnapshot(`
      [
        "ports",
        "image",
        "env",
        "OPENCLAW_GATEWAY_TOKEN",
        "because",
      ]
    `);
  });

  it("the text of each command says which gateway it is for", () => {
    expect(program.find("claw-main-check").inputs.create).toMatch(/containers-1\.cjs" check claw-main$/);
    expect(program.find("claw-main-secrets").inputs.create).toMatch(/containers-1\.cjs" stage claw-main$/);
    expect(program.find("claw-main-claim").inputs.delete).toMatch(/^if .*\/containers-1\.cjs" leave claw-main; else /);
    expect(program.find("claw-main-health").inputs.create).toMatch(/" health claw-main$/);
  });

  it("the check of a single gateway removes what an interrupted one left", () => {
    expect(shown<CheckRequest>(`ops-check${FAR}`)).toMatchObject({
      isAlone: true,
      limits: { memoryMiB: 4096, cpus: 1.5, pids: 1024 },
    });
  });
});

describe("a container", () => {
  it("a container is hardened, published on loopback, and given nothing secret", () => {
    const { inputs, provider } = program.find("claw-main-container");
    expect(provider).toContain("::engine-engine::");
    expect(inputs).toEqual({
      name: "project-stack-claw-main",
      hostname: "project-stack-claw-main",
      image: "engine-image-2026.9.6-image",
      command: [
        ...["node", "--env-file=/etc/openclaw-secrets/env", "dist/index.js", "gateway"],
        ...["--bind", "lan", "--port", "18789"],
      ],
      workingDir: "/app",
      user: "1000:1000",
      envs: [
        "HOME=/home/node/.openclaw/home",
        "NODE_COMPILE_CACHE=/home/node/.openclaw/cache/node-compile",
        "OPENCLAW_CONFIG_PATH=/etc/openclaw/openclaw.json",
        "OPENCLAW_CONFIG_READONLY=1",
        "OPENCLAW_DISABLE_BONJOUR=1",
        "OPENCLAW_NO_AUTO_UPDATE=1",
        "OPENCLAW_STATE_DIR=/home/node/.openclaw",
      ],
      labels: [
        { label: "pulumi-openclaw.gateway", value: "claw-main" },
        { label: "pulumi-openclaw.stack", value: "organization/project/stack" },
        { label: "pulumi-openclaw.owner", value: program.find("engine-owner").inputs.input },
        { label: "pulumi-openclaw.generation", value: "claw-main-check-said" },
        { label: "pulumi-openclaw.limits", value: "memory 2048 MiB, cpus 2, pids 512" },
      ],
      networksAdvanced: [{ name: "project-stack-claw-main" }],
      ports: [
        { internal: 18789, external: 21000, ip: "127.0.0.1" },
        { internal: 18790, external: 21001, ip: "127.0.0.1" },
      ],
      mounts: [
        { type: "volume", source: "project-stack-claw-main-state", target: "/home/node/.openclaw" },
        { type: "volume", source: "project-stack-claw-main-workspace", target: "/home/node/.openclaw/workspace" },
        { type: "volume", source: "claw-main-check-said", target: "/etc/openclaw", readOnly: true },
        { type: "volume", source: "claw-main-secrets-said", target: "/etc/openclaw-secrets", readOnly: true },
      ],
      readOnly: true,
      tmpfs: { "/tmp": "mode=1777" },
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges"],
      init: true,
      memory: 2048,
      memorySwap: 2048,
      cpus: "2.0",
      restart: "unless-stopped",
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      healthcheck: {
        tests: ["CMD", "node", "/etc/openclaw/health.mjs"],
        interval: "30s",
        timeout: "10s",
        startPeriod: "59s",
        retries: 3,
      },
      destroyGraceSeconds: 60,
    });
  });

  it("a container gets a heap limit with its next configuration, and is not recreated for it", () => {
    const heap = (name: string) => (program.find(`${name}-container`).inputs.command as string[])[1];
    expect([heap("mixed-main"), heap("claw-main")]).toEqual([
      "--max-old-space-size=1024",
      "--env-file=/etc/openclaw-secrets/env",
    ]);
    expect(shown<CheckRequest>("mixed-main-check").maxOldSpaceSize).toBe(1024);
    expect(program.find("claw-main-check").inputs.stdin).not.toContain("maxOldSpaceSize");
  });

  it("a container is watched until it is healthy, with its volumes", () => {
    expect(shown<HealthRequest>("claw-main-health").volumes).toEqual([
      "claw-main-check-said",
      "claw-main-secrets-said",
    ]);
  });

  it("a container's volumes are found by a later stack of the same name", () => {
    for (const what of ["state", "workspace"])
      expect(program.find(`claw-main-${what}`).inputs).toEqual({
        name: `project-stack-claw-main-${what}`,
        labels: [
          { label: "pulumi-openclaw.gateway", value: "claw-main" },
          { label: "pulumi-openclaw.stack", value: "organization/project/stack" },
        ],
      });
  });

  it("a container runs the image of its version, by tag or by the given digest", () => {
    expect(program.find("engine-image-2026.9.6").inputs).toEqual({
      name: "ghcr.io/openclaw/openclaw:2026.9.6",
      keepLocally: true,
    });
    expect(program.find(`far-image-2026.9.6${FAR}`).inputs.name).toBe(`registry.example.org/openclaw@${DIGEST}`);
  });
});

describe("a container beside others", () => {
  const inputs = () => program.find("beside-container").inputs;

  it("a container beside others joins their networks, and knows further names", () => {
    expect(inputs().networksAdvanced).toEqual([{ name: "project-stack-beside" }, { name: "ai" }, { name: "b" }]);
    expect(inputs().hosts).toEqual([{ host: "host.docker.internal", ip: "host-gateway" }]);
    expect(inputs().ports).toContainEqual({ internal: 3978, external: 3978, ip: "127.0.0.1" });
  });

  it("a container has mounts besides its volumes, or instead of its workspace's volume, which is kept", () => {
    expect(inputs().mounts).toEqual([
      { type: "volume", source: "project-stack-beside-state", target: "/home/node/.openclaw" },
      { type: "volume", source: "beside-check-said-heap", target: "/etc/openclaw", readOnly: true },
      { type: "volume", source: "beside-secrets-said", target: "/etc/openclaw-secrets", readOnly: true },
      { type: "bind", source: "/srv/notes", target: "/data", readOnly: true },
      { type: "bind", source: "/mnt/work", target: "/home/node/.openclaw/workspace" },
    ]);
    expect(program.names()).toContain("beside-workspace");
  });

  it("a container is claimed, checked and watched with its networks, names and mounts", () => {
    const around = {
      networks: ["ai", "b"],
      extraHosts: { "host.docker.internal": "host-gateway" },
      publish: [3978],
      mounts: [
        { source: "/srv/notes", target: "/data", readOnly: true },
        { source: "/mnt/work", target: "/home/node/.openclaw/workspace" },
      ],
    };
    expect(shown<ContainerClaim>("beside-claim").around).toEqual(around);
    for (const step of ["check", "health"])
      expect(shown<CheckRequest>(`beside-${step}`).claim.around, step).toEqual(around);
    // No secret changes with it.
    expect(hidden<StageRequest>("beside-secrets").claim).not.toHaveProperty("around");
  });
});

describe("an engine behind SSH", () => {
  it("an engine behind SSH is used only where it presents its key", () => {
    const { inputs } = program.find(`far-engine${FAR}`);
    expect(inputs.host).toBe("ssh://claw@203.0.113.7:2222");
    // A provider has its lists as JSON.
    const said = (typeof inputs.sshOpts === "string" ? JSON.parse(inputs.sshOpts) : inputs.sshOpts) as string[];
    expect(said).toEqual([
      ...["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"],
      ...["-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null"],
      ...["-o", `KnownHostsCommand=/usr/bin/env echo %H ${HOST_KEY}`],
      ...["-o", "IdentitiesOnly=yes", "-i", "~/.ssh/claw"],
    ]);
    expect(shown<CheckRequest>(`ops-check${FAR}`).claim).toMatchObject({
      engine: { host: "ssh://claw@203.0.113.7:2222", ssh: said },
      publish: { address: "10.0.0.7", ports: [21000] },
    });
  });
});

describe("a pair of a container and a gateway on the host", () => {
  it("a pair of a container and a host gateway warns that the host's account may not use Docker for sandboxes", () => {
    expect(warned).toHaveBeenCalledWith(
      expect.stringMatching(
        /^mixed\.rescue: config\.agents\.defaults\.sandbox\.mode needs docker, which (is not installed|openclaw-test may not use)/,
      ),
    );
  });

  it("each gateway of a mixed pair is changed only after its partner was asked", () => {
    const container = {
      id: "a",
      engine: { host: "unix:///var/run/docker.sock", ssh: [] },
      container: "project-stack-mixed-main",
    };
    const onHost = { id: "b", program: "/tmp/no-such-root/.pulumi-openclaw/host" };
    expect(hidden<PartnerRequest>("mixed-main-partner")).toEqual({
      gateway: { ...container, version: "2026.9.6" },
      partner: onHost,
      because: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
    });
    const { gateway, partner } = hidden<PartnerRequest>(
      program.names().find((name) => name.startsWith("mixed-rescue-partner"))!,
    );
    expect([gateway, partner]).toEqual([
      { ...onHost, version: "2026.9.6", lock: expect.stringMatching(/^[0-9a-f]{16}$/) as string },
      container,
    ]);
  });
});
