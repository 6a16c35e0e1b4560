import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { look } from "../../deployer/docker/look";
import { LOCAL_ENGINE } from "../../model/containerLayout";
import type { Conflict } from "../../model/conflict";
import type { ContainerClaim } from "../../model/requests";
import { FakeDocker, type FakeContainer } from "./fakeDocker";

let docker: FakeDocker;
beforeEach(async () => void (docker = await FakeDocker.start()));
afterEach(() => {
  expect(docker.changes, "it only looks").toEqual([]);
  docker.stop();
});

const claim = (changes: Partial<ContainerClaim> = {}): ContainerClaim => ({
  // The look asks the fake; advice is for the engine that the gateway is on.
  engine: { host: LOCAL_ENGINE },
  container: "claw-dev-main",
  owner: { stack: "you/claw/dev", gateway: "main", id: "1" },
  publish: { address: "127.0.0.1", ports: [25991] },
  ...changes,
});
const KEPT = { "pulumi-openclaw.stack": "you/claw/dev", "pulumi-openclaw.gateway": "main" };
const OURS = { ...KEPT, "pulumi-openclaw.owner": "1" };
const OTHERS = { ...OURS, "pulumi-openclaw.stack": "you/other/dev" };

async function seen(changes: Partial<ContainerClaim> = {}) {
  const answer = await look({ engine: docker.address, claims: [claim(changes)] });
  if ("silence" in answer) throw new Error(answer.silence);
  return answer.gateways[0]!;
}
const said = (obstacles: readonly Conflict[]): string[] =>
  obstacles.map(({ property, reason, advice }) => `${property}: ${reason} -> ${advice}`);

describe("what is in the way", () => {
  it("nothing is in the way on an empty engine", async () => {
    expect(await seen()).toEqual({ obstacles: [], warnings: [], isThere: false });
  });

  it("nothing that is ours, or was, is in the way", async () => {
    docker.containers.set("claw-dev-main", { labels: OURS, publishes: [{ port: 25991 }] });
    docker.networks.set("claw-dev-main", OURS);
    for (const what of ["state", "workspace"]) docker.volumes.set(`claw-dev-main-${what}`, KEPT);
    expect(await seen()).toEqual({ obstacles: [], warnings: [], isThere: true });
    expect(await seen({ owner: { stack: "you/claw/dev", gateway: "main" } })).toMatchObject({ obstacles: [] });
  });

  it("foreign objects of the same name are in the way, each with advice", async () => {
    docker.containers.set("claw-dev-main", {});
    docker.networks.set("claw-dev-main", OTHERS);
    docker.volumes.set("claw-dev-main-state", OTHERS);
    docker.volumes.set("claw-dev-main-workspace", {});
    const there = (what: string) => `target: the engine has a ${what} that does not belong to this gateway`;
    expect(said((await seen()).obstacles)).toEqual([
      `${there("container claw-dev-main")} -> rename the stack or the gateway; or, if it is not needed: docker container rm -f claw-dev-main`,
      `${there("network claw-dev-main")} -> rename the stack or the gateway; or, if it is not needed: docker network rm claw-dev-main`,
      `${there("volume claw-dev-main-state")} -> rename the stack or the gateway; or, if nothing in it is needed: docker volume rm claw-dev-main-state`,
      `${there("volume claw-dev-main-workspace")} -> rename the stack or the gateway; or, if nothing in it is needed: docker volume rm claw-dev-main-workspace`,
    ]);
  });

  it("of another stack with the same name, the data may be taken over and the container may not", async () => {
    docker.containers.set("claw-dev-main", { labels: { ...OURS, "pulumi-openclaw.owner": "2" } });
    docker.volumes.set("claw-dev-main-state", KEPT);
    expect((await seen()).obstacles.map(({ reason }) => reason)).toEqual([
      "the engine has a container claw-dev-main that does not belong to this gateway",
    ]);
  });

  it("a port that another container publishes is in the way", async () => {
    docker.containers.set("web", { publishes: [{ port: 25991 }] });
    expect(said((await seen()).obstacles)).toEqual([
      "basePort: port 25991 is published by the container web -> use another base port, or stop what uses it",
    ]);
  });

  it("an additional port that another container publishes is in the way", async () => {
    docker.containers.set("web", { publishes: [{ port: 25992 }] });
    expect(said((await seen({ around: { publish: [25992] } })).obstacles)).toEqual([
      "publish: port 25992 is published by the container web -> use another port, in `config` too, or stop what uses it",
    ]);
  });

  it.each([
    ["127.0.0.1", { address: "127.0.0.1" }, true],
    ["127.0.0.1", { address: "0.0.0.0" }, true],
    ["127.0.0.1", { address: "::" }, true],
    ["0.0.0.0", { address: "10.0.0.7" }, true],
    ["127.0.0.1", { address: "10.0.0.7" }, false],
    ["127.0.0.1", { address: "127.0.0.1", type: "udp" }, false],
    ["0.0.0.0", { address: "0.0.0.0", type: "udp" }, false],
  ] as const)("a gateway on %s beside a container's port %j: %s", async (address, published, isTaken) => {
    const publish = { address, ports: [25991] };
    docker.containers.set("web", { publishes: [{ port: 25991, ...published }] });
    const reasons = isTaken ? ["port 25991 is published by the container web"] : [];
    expect((await seen({ publish })).obstacles.map(({ reason }) => reason)).toEqual(reasons);
    // What it has itself on another address takes nothing from it, and hides nothing.
    docker.containers.clear();
    docker.containers.set("claw-dev-main", { labels: OURS, publishes: [{ port: 25991, address: "127.0.0.2" }] });
    expect((await seen({ publish })).obstacles).toEqual([]);
    docker.containers.set("web", { publishes: [{ port: 25991, ...published }] });
    expect((await seen({ publish })).obstacles.map(({ reason }) => reason)).toEqual(reasons);
  });

  it("Docker's own proxy for a container on another address is not in the way", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const publish = { address: "127.0.0.2", ports: [port] };
    try {
      for (const name of ["claw-dev-main", "web"]) {
        docker.containers.clear();
        docker.containers.set(name, { labels: OURS, publishes: [{ port }] });
        expect((await seen({ publish })).obstacles).toEqual([]);
      }
    } finally {
      server.close();
    }
  });

  it("a port that Docker holds for the gateway's own restarting container is not in the way", async () => {
    const server = createServer(); // as Docker's proxy
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const host = { PortBindings: { "18789/tcp": [{ HostIp: "127.0.0.1", HostPort: `${port}` }] } };
    const obstaclesWith = async (labels: Record<string, string>, state: object): Promise<number> => {
      docker.containers.set("claw-dev-main", { labels, host, state });
      const { obstacles } = await seen({ publish: { address: "127.0.0.1", ports: [port] } });
      return obstacles.filter(({ property }) => property === "basePort").length;
    };
    try {
      expect(await obstaclesWith(OURS, { Running: false, Restarting: true })).toBe(0);
      expect(await obstaclesWith(OURS, { Running: false, Restarting: false })).toBe(1);
      expect(await obstaclesWith(OTHERS, { Running: false, Restarting: true })).toBe(1);
    } finally {
      server.close();
    }
  });

  it("a port that a program of this machine uses is in the way", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const publish = { address: "127.0.0.1", ports: [port] };
    try {
      expect((await seen({ publish })).obstacles.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(`^port ${port} is in use by .*${process.pid}`),
      ]);
    } finally {
      server.close();
    }
  });

  it("an image that is missing and may not be pulled is in the way", async () => {
    const image = "ghcr.io/openclaw/openclaw:2026.9.6";
    expect(said((await seen({ image })).obstacles)).toEqual([
      `version: the image ${image} is not on the engine, and pull is "never" -> put it there, e.g. with docker pull ${image}, or with docker save and docker load`,
    ]);
    expect((await seen({ image, engine: { host: "ssh://claw@203.0.113.7" } })).obstacles[0]!.advice).toContain(
      `docker -H ssh://claw@203.0.113.7 pull ${image}`,
    );
    docker.images.add(image);
    expect((await seen({ image })).obstacles).toEqual([]);
  });
});

describe("networks to join", () => {
  const obstacles = async (...networks: string[]): Promise<string[]> =>
    said((await seen({ around: { networks } })).obstacles);

  it("existing networks that belong to no stack may be joined", async () => {
    docker.networks.set("ai", {});
    docker.networks.set("swarm", {});
    docker.networkFacts.set("swarm", { Scope: "swarm", Attachable: true });
    expect(await obstacles("ai", "swarm")).toEqual([]);
  });

  it("networks that cannot be joined are refused", async () => {
    docker.networks.set("claw-dev-rescue", { ...OURS, "pulumi-openclaw.gateway": "rescue" });
    docker.networks.set("swarm", {});
    docker.networkFacts.set("swarm", { Scope: "swarm", Attachable: false });
    expect(await obstacles("ai", "claw-dev-rescue", "swarm")).toEqual([
      "networks: the engine has no network ai -> create it first (docker network create ai), or use one that it has: docker network ls",
      "networks: the network claw-dev-rescue is the gateway rescue's own -> create another one for both: docker network create NAME",
      "networks: the network swarm is for services of a swarm only -> create it with --attachable: docker network create --driver overlay --attachable NAME",
    ]);
  });
});

describe("what is to be mounted", () => {
  const programs = mkdtempSync(join(tmpdir(), "docker-look-"));
  /** What `ls` and `readlink` say on the engine's machine. */
  const machine = (ls: string, path = "$3"): void => {
    for (const [name, said] of Object.entries({ ls, readlink: path }))
      writeFileSync(join(programs, name), `#!/bin/sh\necho "${said}"\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${programs}:${process.env.PATH}`);
  };
  beforeEach(() => void (docker.facts = { Name: hostname(), DockerRootDir: "/srv/docker" }));
  afterEach(() => void vi.unstubAllEnvs());
  afterAll(() => rmSync(programs, { recursive: true }));
  const obstacles = async (mount: object = {}): Promise<string[]> => {
    const mounts = [{ source: "/srv/work", target: "/data", ...mount }];
    return said((await seen({ engine: docker.address, around: { mounts } })).obstacles);
  };
  const CANNOT = "mounts: user id 1000, which the gateway runs as, cannot";
  const GIVE = "on the engine's machine: sudo chown -R 1000:1000 /srv/work";
  const LET_READ =
    "on the engine's machine: sudo setfacl -R -m u:1000:rX /srv/work; or, for everybody there: sudo chmod -R a+rX /srv/work";

  it.each([
    ["drwx------ 2 1000 1000 4096", {}, []],
    ["-rw------- 1 1000 0 4096", {}, []],
    ["drwxrwx--- 2 0 1000 4096", {}, []],
    ["drwxrwxrwt 2 0 0 4096", {}, []],
    ["drwxr-xr-x 2 0 0 4096", { readOnly: true }, []],
    ["drwxr-xr-x 2 0 0 4096", {}, [`${CANNOT} read and write /srv/work -> ${GIVE}; or set its readOnly to true`]],
    ["drwxr-xr-x. 2 0 0 4096", {}, [`${CANNOT} read and write /srv/work -> ${GIVE}; or set its readOnly to true`]],
    ["drwx------ 2 0 0 4096", { readOnly: true }, [`${CANNOT} read /srv/work -> ${LET_READ}`]],
    ["drwxr--r-- 2 0 0 4096", { readOnly: true }, [`${CANNOT} read /srv/work -> ${LET_READ}`]],
    // An access list says more.
    ["drwxr-x---+ 2 0 0 4096", {}, []],
    [
      "ls: cannot access '/srv/work': No such file or directory",
      {},
      [
        "mounts: /srv/work does not exist on the engine's machine -> create it there: sudo install -d -o 1000 -g 1000 /srv/work",
      ],
    ],
    [
      "ls: cannot access '/srv/work': No such file or directory",
      { readOnly: true },
      ["mounts: /srv/work does not exist on the engine's machine -> create it there: sudo mkdir -p /srv/work"],
    ],
    ["ls: cannot access '/srv/work': Permission denied", {}, []],
  ])("mounting %s, with %j, gives %j", async (ls, mount, expected) => {
    machine(ls);
    expect(await obstacles(mount)).toEqual(expected);
  });

  it.each([
    ["/run/docker.sock", "is the socket of an engine: whoever has it is root on that machine"],
    ["/srv", "holds what the machine itself runs on: whoever changes it is root there"],
    ["/root", "is somebody's home: with its keys and start-up files the bot could act as its owner"],
    ["/home/me/.openclaw", "is a gateway's state on that machine, its secrets included"],
    ["/srv/docker/volumes", "belongs to the kernel or to the engine itself, other gateways' volumes included"],
  ])("a mount must not lead elsewhere: %s", async (path, why) => {
    machine("drwx------ 2 1000 1000 4096", path);
    expect(await obstacles()).toEqual([`mounts: /srv/work ${why} -> mount the one directory that the gateway needs`]);
  });

  it("mounts are not judged by this machine's files where the engine is elsewhere, nor where containers have other user ids", async () => {
    machine("drwx------ 2 0 0 4096");
    expect(await obstacles()).toHaveLength(1);
    for (const facts of [{ Name: "elsewhere" }, { SecurityOptions: ["name=seccomp", "name=rootless"] }]) {
      docker.facts = { Name: hostname(), ...facts };
      expect(await obstacles()).toEqual([]);
    }
  });
});

describe("why a gateway is made anew", () => {
  const CONFIG = { ...OURS, "pulumi-openclaw.role": "config" };
  beforeEach(() => {
    docker.volumes.set("claw-dev-main-config-0123", CONFIG);
    docker.networks.set("claw-dev-main", OURS);
    for (const what of ["state", "workspace"]) docker.volumes.set(`claw-dev-main-${what}`, KEPT);
  });
  const whyNot = async (container?: FakeContainer): Promise<string | undefined> => {
    if (container) docker.containers.set("claw-dev-main", { labels: OURS, ...container });
    return (await seen()).repair;
  };

  it.each<[FakeContainer, string | undefined]>([
    [{}, undefined],
    [{ state: { Health: { Status: "starting" } } }, undefined],
    [{ state: { Running: false, Restarting: true, ExitCode: 1 } }, undefined],
    [{ host: { PidsLimit: 0 } }, "it has not become healthy yet"],
    [{ host: { PidsLimit: 64 } }, "its limits have been changed"],
    [{ host: { Memory: 2 ** 30 } }, "its limits have been changed"],
    [{ host: { NanoCpus: 1e9 } }, "its limits have been changed"],
    [{ host: { RestartPolicy: { Name: "no" } } }, "its restart policy has been changed"],
    [{ networks: [] }, "it has left the network claw-dev-main"],
    [{ state: { Paused: true } }, "it is paused"],
    [{ state: { Running: false, ExitCode: 137 } }, "it has stopped (137)"],
    [{ state: { Health: { Status: "unhealthy" } } }, "it is unhealthy"],
  ])("why a gateway is recreated after %j: %s", async (container, why) => {
    expect(await whyNot(container)).toBe(why);
  });

  it("a gateway is recreated where its container is gone, and not where it never existed", async () => {
    expect(await whyNot()).toBe("its container is gone");
    docker.volumes.clear();
    expect(await whyNot()).toBeUndefined();
  });

  it("a gateway is not recreated while something is in the way", async () => {
    docker.containers.set("claw-dev-main", { labels: OTHERS, state: { Running: false } });
    expect(await seen()).not.toHaveProperty("repair");
  });

  it("a lost network or volume is a warning", async () => {
    docker.networks.clear();
    docker.volumes.delete("claw-dev-main-state");
    expect((await seen()).warnings).toEqual([
      "the network claw-dev-main is gone from the engine: run pulumi up --refresh to recreate it",
      "the volume claw-dev-main-state, with its contents, is gone from the engine: run pulumi up --refresh to recreate it",
    ]);
  });
});

describe("an engine", () => {
  it("an engine reports how many processors it has", async () => {
    docker.cpus = 7;
    expect(await look({ engine: docker.address, claims: [] })).toMatchObject({ cpus: 7, gateways: [] });
  });

  it("says which addresses are its machine's: in its networks, and those of this one, if it is this one's", async () => {
    docker.networks.set("claw", {}).set("host", {});
    docker.networkFacts.set("claw", { IPAM: { Config: [{ Subnet: "172.18.0.0/16", Gateway: "172.18.0.254" }, {}] } });
    docker.networkFacts.set("host", { IPAM: { Config: null } });
    const machineOf = async (Name: string) => {
      docker.facts = { Name };
      const answer = await look({ engine: docker.address, claims: [] });
      return "machine" in answer && answer.machine;
    };
    const own = expect.arrayContaining(["127.0.0.1"]) as string[];
    expect(await machineOf(hostname())).toEqual({ addresses: own, inNetworks: ["172.18.0.254"] });
    expect(await machineOf("elsewhere")).toEqual({ addresses: [], inNetworks: ["172.18.0.254"] });
  });

  it("an engine that does not answer does not fail the inspection", async () => {
    const engine = { host: "unix:///nowhere/docker.sock" };
    expect(await look({ engine, claims: [claim({ engine })] })).toEqual({
      silence: "the Docker engine at unix:///nowhere/docker.sock does not answer: connect ENOENT /nowhere/docker.sock",
    });
  });
});
