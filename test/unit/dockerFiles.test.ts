import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../deployer/docker/engine";
import { checkImage, health, stage } from "../../deployer/docker/gateway";
import { CONTAINER_PATHS } from "../../model/containerLayout";
import { currentFiles } from "../../deployer/docker/inventory";
import type { CheckRequest, ContainerClaim, StageRequest } from "../../model/requests";
import { FakeDocker, type FakeContainer } from "./fakeDocker";

const IMAGE = "sha256:0123";
const OURS = {
  "pulumi-openclaw.stack": "you/claw/dev",
  "pulumi-openclaw.gateway": "main",
  "pulumi-openclaw.owner": "1",
};

let docker: FakeDocker;
beforeEach(async () => {
  docker = await FakeDocker.start();
  docker.images.add(IMAGE);
  docker.imageEnv.push("PATH=/usr/bin", "NODE_VERSION=24.1.0");
  docker.networks.set("claw-dev-main", OURS);
  for (const what of ["state", "workspace"]) docker.volumes.set(`claw-dev-main-${what}`, OURS);
});
afterEach(() => docker.stop());

const claim = (): ContainerClaim => ({
  engine: docker.address,
  container: "claw-dev-main",
  owner: { stack: "you/claw/dev", gateway: "main", id: "1" },
  publish: { address: "127.0.0.1", ports: [25991] },
});
/** A gateway's container as it should be, with these volumes. */
const running = (volumes: { config?: string; secrets?: string }, changes: FakeContainer = {}): void =>
  void docker.containers.set("claw-dev-main", {
    labels: OURS,
    publishes: [{ port: 25991 }],
    mounts: Object.fromEntries(
      Object.entries(volumes).map(([role, name]) => [CONTAINER_PATHS[role as "config" | "secrets"], name]),
    ),
    ...changes,
  });

describe("the files that a container has", () => {
  const DIGEST = "4711";
  beforeEach(() => void docker.volumes.set("main-config-1", { ...OURS, "pulumi-openclaw.digest": DIGEST }));
  const current = async (digest = DIGEST): Promise<string | undefined> =>
    currentFiles(await connect(docker.address), claim(), "config", digest);

  it("a container's files are kept while they are for the same gateway", async () => {
    running({ config: "main-config-1" });
    expect(await current()).toBe("main-config-1");
    expect(await current("4712")).toBeUndefined();
  });

  it.each<FakeContainer>([
    { host: { PidsLimit: 0 } },
    { host: { Memory: 2 ** 30 } },
    { state: { Running: false, ExitCode: 137 } },
    { state: { Paused: true } },
    { mounts: {} },
    { mounts: { [CONTAINER_PATHS.config]: "gone" } },
  ])("a container's files are not reused after %j", async (changes) => {
    running({ config: "main-config-1" }, changes);
    expect(await current()).toBeUndefined();
  });

  it("without a container there are no files, and unlabelled ones do not count", async () => {
    expect(await current()).toBeUndefined();
    docker.volumes.set("main-config-1", OURS);
    running({ config: "main-config-1" });
    expect(await current()).toBeUndefined();
  });
});

describe("stage", () => {
  const staged = (changes: Partial<StageRequest> = {}): Promise<string> =>
    stage({ claim: claim(), image: IMAGE, env: { KEY: "a", OPENCLAW_GATEWAY_TOKEN: "0" }, ...changes });

  it("stage returns the existing volume while the secrets are the same", async () => {
    const secrets = await staged();
    expect(secrets).toMatch(/^claw-dev-main-secrets-[0-9a-f]{12}$/);
    running({ secrets });
    expect(await staged()).toBe(secrets);
    const others = [
      await staged({ env: { KEY: "b", OPENCLAW_GATEWAY_TOKEN: "0" } }),
      await staged({ env: { KEY: "a", OPENCLAW_GATEWAY_TOKEN: "1" } }),
    ];
    docker.images.add("sha256:4567");
    others.push(await staged({ image: "sha256:4567" }));
    expect(new Set([secrets, ...others]).size).toBe(4);
  });

  it("stage refuses variables that the container already has", async () => {
    const env = { NODE_VERSION: "20", HOME: "/root", KEY: "a" };
    await expect(staged({ env })).rejects.toThrow(
      "env cannot set NODE_VERSION, HOME: already set in the container; nothing was changed\n    -> leave out what is named",
    );
    expect([...docker.volumes.keys()]).toEqual(["claw-dev-main-state", "claw-dev-main-workspace"]);
  });
});

it("a healthy gateway leaves no other files, not even those of a stack whose state was lost", async () => {
  const lost = { ...OURS, "pulumi-openclaw.owner": "0" };
  for (const role of ["config", "secrets"])
    for (const [owner, labels] of Object.entries({
      ours: OURS,
      lost,
      other: { ...lost, "pulumi-openclaw.gateway": "ops" },
    }))
      docker.volumes.set(`${owner}-${role}`, { ...labels, "pulumi-openclaw.role": role });
  running({ config: "ours-config", secrets: "ours-secrets" });
  const limits = { memoryMiB: 2048, cpus: 2, pids: 512 };
  expect(await health({ claim: claim(), limits, volumes: ["ours-config", "ours-secrets"] })).toBe("healthy");
  expect([...docker.volumes.keys()].filter((name) => /-(config|secrets)$/.test(name)).sort()).toEqual(
    ["ours-config", "ours-secrets", "other-config", "other-secrets"].sort(),
  );
});

describe("check", () => {
  const request = (changes: Partial<CheckRequest> = {}): CheckRequest => ({
    claim: claim(),
    version: "2026.9.6",
    config: { gateway: { port: 18789 } },
    image: IMAGE,
    secrets: "main-secrets-1",
    limits: { memoryMiB: 2048, cpus: 2, pids: 512 },
    isAlone: false,
    ...changes,
  });
  beforeEach(() => void ["main-secrets-1", "main-secrets-2"].forEach((name) => docker.volumes.set(name, OURS)));

  it("check returns the existing volume while everything is the same, and tries nothing", async () => {
    const config = await checkImage(request());
    expect(config).toMatch(/^claw-dev-main-config-[0-9a-f]{12}-heap$/);
    running({ config });
    docker.changes.length = 0;
    expect(await checkImage(request())).toBe(config);
    // Another text, that of a new version of this library, e.g.
    expect(await checkImage(request({ isAlone: true }))).toBe(config);
    expect(docker.changes).toEqual([]);
  });

  it.each<[string, Partial<CheckRequest>, Partial<ContainerClaim>?]>([
    ["version", { version: "2026.9.7" }],
    ["configuration", { config: { gateway: { port: 18789 }, update: { channel: "beta" } } }],
    ["secrets", { secrets: "main-secrets-2" }],
    ["heap", { maxOldSpaceSize: 1024 }],
    ["limits", { limits: { memoryMiB: 2048, cpus: 1.5, pids: 512 } }],
    ["name", {}, { around: { extraHosts: { db: "10.0.0.7" } } }],
  ])("check tries another %s beside the gateway, on a new volume", async (_, changes, ofClaim) => {
    const config = await checkImage(request());
    running({ config });
    expect(await checkImage(request({ ...changes, claim: { ...claim(), ...ofClaim } }))).not.toBe(config);
    expect(docker.changes).toContain("POST /containers/helper/start");
  });

  it("check tries mounts as the gateway's user, and a new gateway sees them read-only", async () => {
    running({});
    const mounts = [
      { source: "/srv/notes", target: "/data", readOnly: true },
      { source: "/srv/work", target: CONTAINER_PATHS.workspace },
      { source: "/srv/x", target: "/x" },
    ];
    const mounting = () => checkImage(request({ claim: { ...claim(), around: { mounts } } }));
    await mounting();
    const bound = docker.helpers.map(
      ({ HostConfig }) => HostConfig?.Mounts?.filter(({ Type }) => Type === "bind") ?? [],
    );
    expect(bound.filter((each) => each.length)).toEqual([
      mounts.map(({ source, readOnly = false }, index) => ({
        Type: "bind",
        Source: source,
        Target: `/mounts/${index}`,
        ReadOnly: readOnly,
      })),
      [mounts[0]!, mounts[2]!].map(({ source, target }) => ({
        Type: "bind",
        Source: source,
        Target: target,
        ReadOnly: true,
      })),
    ]);
    docker.exitCode = 11;
    const before = [...docker.volumes.keys()];
    await expect(mounting()).rejects.toThrow(
      "gateway main: user id 1000, which the gateway runs as, cannot read and write /srv/work; nothing was changed\n" +
        "    -> on the engine's machine: sudo chown -R 1000:1000 /srv/work; or set its readOnly to true",
    );
    expect([...docker.volumes.keys()]).toEqual(before);
  });

  it("check runs with the heap limit that the container will have", async () => {
    running({ config: await checkImage(request()) });
    await checkImage(request({ version: "2026.9.7" }));
    await checkImage(request({ maxOldSpaceSize: 1024 }));
    const heaps = docker.commands.flat().filter((word) => word.startsWith("--max-old-space-size"));
    expect(heaps).toEqual(["--max-old-space-size=1536", "--max-old-space-size=1024"]);
  });

  it("check tries a port on a new address, and not one that the gateway already has", async () => {
    // Paused, so that there is nothing to try a new one beside.
    running({}, { state: { Paused: true } });
    const tried = async (address: string, ...publish: number[]): Promise<boolean> => {
      docker.changes.length = 0;
      const around = { ...(publish.length && { publish }) };
      await checkImage(request({ claim: { ...claim(), publish: { address, ports: [25991] }, around } }));
      return docker.changes.includes("POST /containers/helper/start");
    };
    expect(await tried("127.0.0.1")).toBe(false);
    expect(await tried("0.0.0.0")).toBe(false);
    expect(await tried("127.0.0.2")).toBe(true);
    expect(await tried("127.0.0.1", 25992)).toBe(true);
    // It takes them again at any moment.
    running({}, { state: { Running: false, Restarting: true } });
    expect(await tried("127.0.0.1")).toBe(false);
    running({}, { state: { Running: false } });
    expect(await tried("127.0.0.1")).toBe(true);
  });
});
