/** What goes wrong on an engine, and what `up` makes of it. With stand-ins for gateways: the rows are about what we do. */
import { chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tryMounts } from "../../deployer/docker/tryMounts";
import { CONTAINER_PATHS } from "../../model/containerLayout";
import { REFUSED_LATER } from "../support/engine";
import { eventually, ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import { Dockerd } from "./dockerd";
import { STAND_IN_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { portAt, RUN_DIRECTORY, SUBNET } from "./names";
import { DockerPair, said, type Gateway } from "./pairs";

const GATEWAYS: readonly Gateway[] = ["main", "rescue"];
const WORKSPACE = CONTAINER_PATHS.workspace;
const PUBLISHED = portAt(180);

inDocker("a pair in containers, when something goes wrong", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
    pair = await DockerPair.ofStandIns(dockerd);
    pair.args.rescue.mounts = [{ source: directory("work"), target: WORKSPACE }];
    ok(await pair.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await dockerd?.stop();
  });

  it("a change to main's configuration replaces main's container only, and keeps its volumes", async () => {
    const [main, rescue] = [await pair.id("main"), await pair.id("rescue")];
    const file = `${WORKSPACE}/file`;
    await inMain("sh", "-c", `echo kept > ${file}`);
    pair.args.main.config = { update: { channel: "stable" } };
    await startNeighbour();
    Object.assign(pair.args.main, {
      networks: ["ai"],
      extraHosts: { "host.docker.internal": "host-gateway" },
      publish: [PUBLISHED],
      mounts: [
        { source: directory("data"), target: "/data" },
        { source: directory("work"), target: `${WORKSPACE}/repo`, readOnly: true },
      ],
    });
    const { plan } = await pair.shownUp("--diff");
    expect(plan).toMatch(/\+ channel\s*: "stable"/);
    expect(plan).toMatch(/\+-docker:index\/container:Container: \(replace\)[^]*claw-main-container/);
    expect(plan).not.toContain("claw-rescue");
    ok(await pair.preview("--expect-no-changes"));
    expect(await pair.id("main")).not.toBe(main);
    expect(await pair.id("rescue")).toBe(rescue);
    expect(await inMain("cat", file)).toBe("kept\r\n");
    expect((await pair.volumes()).filter((name) => name.includes("claw-main")).length).toBe(4);
  });

  it("a container reaches its neighbours, and directories of the engine's machine", async () => {
    const asked = (url: string) => `fetch("${url}").then((answer) => answer.text()).then((text) => console.log(text))`;
    expect(await inMain("node", "-e", asked("http://neighbour:4000"))).toBe("pong\r\n");
    expect(await inMain("cat", "/etc/hosts")).toContain(`${SUBNET}.0.1\thost.docker.internal`);
    // Whoever is in the network reaches its port: that is what docs/containers.md says.
    const said = await inside("neighbour", "node", "-e", asked(`http://${pair.name("main")}:18789/startupz`));
    expect(said).toContain('"ok":true');
    const answer = '(_, answer) => answer.end("hook", () => process.exit())';
    const listener = `require("http").createServer(${answer}).listen(${PUBLISHED})`;
    await inMain("sh", "-c", `setsid node -e '${listener}' >/dev/null 2>&1 & sleep 1`);
    expect(await (await fetch(`http://127.0.0.1:${PUBLISHED}`)).text()).toBe("hook");

    await inside(pair.name("rescue"), "sh", "-c", `echo rescue > ${WORKSPACE}/file && echo main > /tmp/x`);
    expect(await inMain("sh", "-c", `cat ${WORKSPACE}/repo/file; echo no > ${WORKSPACE}/repo/file`)).toMatch(
      /^rescue\r\n.*Read-only/,
    );
    expect(await inMain("sh", "-c", "echo data > /data/file && cat /data/file")).toBe("data\r\n");
    expect(statSync(join(directory("data"), "file")).uid).toBe(1000);
  });

  it("networks and directories that a container cannot have are refused", async () => {
    const { networks, mounts, config } = pair.args.main;
    const closed = directory("closed", 0);
    const none = join(RUN_DIRECTORY, "none");
    Object.assign(pair.args.main, {
      networks: ["ia", pair.name("rescue")],
      config: { channels: { "nextcloud-talk": { webhookPort: 8788, webhookHost: "127.0.0.1" } } },
      mounts: [closed, none, RUN_DIRECTORY].map((source, n) => ({ source, target: `/data${n}` })),
    });
    await pair.refused(
      "claw.main.networks: the engine has no network ia",
      `claw.main.networks: the network ${pair.name("rescue")} is the gateway claw-rescue's own`,
      `claw.main.mounts: user id 1000, which the gateway runs as, cannot read and write ${closed}`,
      `claw.main.mounts: ${none} does not exist on the engine's machine`,
      `claw.main.mounts: ${RUN_DIRECTORY} holds what the machine itself runs on`,
      "port 8788 (config.channels.nextcloud-talk.webhookPort) answers inside the container only",
    );
    Object.assign(pair.args.main, { networks, mounts, config });
    // Where nobody could see that before.
    const trying = (source: string, readOnly: boolean) =>
      tryMounts(
        dockerd.api,
        {
          engine: { host: dockerd.host },
          container: "nobody",
          owner: { stack: "organization/openclaw/test", gateway: "nobody" },
          publish: { address: "127.0.0.1", ports: [] },
          around: { mounts: [{ source, target: "/data", readOnly }] },
        },
        STAND_IN_IMAGE,
      );
    await expect(trying(closed, false)).rejects.toThrow(`cannot read and write ${closed}; nothing was changed`);
    await expect(trying(closed, true)).rejects.toThrow(`cannot read ${closed}; nothing was changed`);
    await expect(trying(none, true)).rejects.toThrow(/nobody cannot have its mounts: .*does not exist/);
    await trying(directory("data"), false);
  });

  /** On the engine's machine, of this user there. */
  function directory(name: string, owner = 1000): string {
    const path = join(RUN_DIRECTORY, `host-${name}`); // beside the engine's own
    if (existsSync(path)) return path;
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, owner, owner);
    return path;
  }

  /** Another container, in a network of others. */
  async function startNeighbour(): Promise<void> {
    await dockerd.api.createNetwork({ Name: "ai" });
    const container = await dockerd.api.createContainer({
      name: "neighbour",
      Image: STAND_IN_IMAGE,
      Cmd: ["node", "-e", 'require("http").createServer((_, answer) => answer.end("pong")).listen(4000)'],
      HostConfig: { NetworkMode: "ai", Init: true, RestartPolicy: { Name: "unless-stopped" } },
    });
    await container.start();
  }

  const drifts = {
    stop: (gateway: Gateway) => pair.container(gateway).stop(),
    remove: (gateway: Gateway) => pair.container(gateway).remove({ force: true }),
    pause: (gateway: Gateway) => pair.container(gateway).pause(),
    limits: (gateway: Gateway) => pair.container(gateway).update({ Memory: 2 ** 30 }),
    restart: (gateway: Gateway) => pair.container(gateway).update({ RestartPolicy: { Name: "no" } }),
    network: (gateway: Gateway) =>
      dockerd.api.getNetwork(pair.name(gateway)).disconnect({ Container: pair.name(gateway) }),
  };
  const REASONS: Readonly<Record<keyof typeof drifts, string>> = {
    stop: "it has stopped",
    remove: "its container is gone",
    pause: "it is paused",
    limits: "its limits have been changed",
    restart: "its restart policy has been changed",
    network: "it has left the network",
  };
  it.each<{ main: keyof typeof drifts; rescue?: keyof typeof drifts; config?: object; flags?: string[] }>([
    // It waits until its partner has been helped.
    { main: "remove", config: { update: { channel: "beta" } } },
    { main: "pause", rescue: "limits" },
    { main: "restart", rescue: "remove" },
    { main: "stop", rescue: "network", flags: ["--refresh"] },
  ])(
    "a preview shows, and up recreates, what has changed outside Pulumi: %j",
    async ({ main, rescue, config, flags = [] }) => {
      const [mainBefore, rescueBefore] = [await pair.id("main"), await pair.id("rescue")];
      await drifts[main]("main");
      if (rescue) await drifts[rescue]("rescue");
      if (config) pair.args.rescue.config = config;
      const { plan } = await pair.shownUp(...flags);
      expect(plan).toContain("claw-main-container");
      expect(plan).toContain(`claw-main: ${REASONS[main]}`);
      if (rescue) expect(plan).toContain(`claw-rescue: ${REASONS[rescue]}`);
      expect(await pair.id("main")).not.toBe(mainBefore);
      expect((await pair.id("rescue")) === rescueBefore).toBe(!rescue && !config);
      for (const gateway of GATEWAYS) expect(await pair.version(gateway)).toBe(VERSION);
    },
  );

  it("a pair is healthy again after its engine was killed", async () => {
    await dockerd.kill();
    await dockerd.switchOn();
    await pair.converge();
    for (const gateway of GATEWAYS) await pair.healthy(gateway);
  });

  it("a container comes back by itself when its machine loses power, when it is killed, or when it runs out of memory", async () => {
    const before = await pair.ids();
    const [main, end] = [() => pair.container("main").inspect(), (signal: string) => () => killMain(signal)];
    // At this signal the stand-in takes all the memory that there is.
    for (const harm of [() => losePower(), end("SIGKILL"), ...(isSoak ? [] : [end("SIGUSR2")])]) {
      const { StartedAt } = (await main()).State;
      await harm();
      await eventually("another start", 60, async () => {
        const { State } = await main();
        return State.StartedAt !== StartedAt && State.Running;
      });
      for (const gateway of GATEWAYS) await pair.healthy(gateway);
    }
    expect(await pair.ids()).toEqual(before);
    ok(await pair.preview("--expect-no-changes"));
  });

  async function losePower(): Promise<void> {
    await dockerd.losePower();
    await dockerd.switchOn();
  }

  const killMain = async (signal: string) => process.kill(await pair.pid("main"), signal);

  it("a lost network is recreated, lost state only where that is wanted", async () => {
    const names = { network: pair.name("main"), state: `${pair.name("main")}-state` };
    await pair.container("main").remove({ force: true });
    await dockerd.api.getNetwork(names.network).remove();
    await dockerd.api.getVolume(names.state).remove();
    const failed = await pair.up();
    expect(said(failed)).toContain(`the network ${names.network} is gone from the engine`);
    expect(said(failed)).toContain(`the volume ${names.state}, with its contents, is gone from the engine`);
    expect(failed.code).not.toBe(0);
    expect(await pair.version("rescue")).toBe(VERSION);
    await pair.converge("--refresh");
    await pair.healthy("main");
  });

  it("a container is not taken down while its partner is down, unless it is forced", async () => {
    const [main, rescue] = [await pair.id("main"), await pair.id("rescue")];
    pair.args.rescue.config = { update: { channel: "dev" } };
    await pair.hanging("main", async () => {
      const failed = await pair.up();
      expect(said(failed)).toContain(`the partner gateway main in the container ${pair.name("main")} is not healthy`);
      expect(await pair.id("rescue")).toBe(rescue);
      expect(await pair.version("rescue")).toBe(VERSION);
      pair.args.rescue.force = true;
      ok(await pair.up());
    });
    expect(await pair.id("rescue")).not.toBe(rescue);
    expect(await pair.id("main")).toBe(main);
    delete pair.args.rescue.force;
    ok(await pair.up());
  });

  it("the old container stays where the new one does not start", async () => {
    const before = await pair.ids();
    const { config } = pair.args.main;
    pair.args.main.config = { update: { channel: REFUSED_LATER } };
    const failed = await pair.up();
    expect(said(failed)).toContain("the new gateway claw-main does not start, so the old one was left as it was");
    expect(said(failed)).toMatch(/Invalid config[^]*update\.channel/);
    expect(await pair.ids()).toEqual(before);
    pair.args.main.config = config;
    ok(await pair.preview("--expect-no-changes"));
  });

  it("up converges after the engine disappeared in the middle of another one", async () => {
    pair.args.main.config = { update: { channel: "dev" } };
    const change = pair.up();
    await eventually("a new container", 60, async () => {
      const { Created } = await pair
        .container("main")
        .inspect()
        .catch(() => ({ Created: "" }));
      return Date.parse(Created) > Date.now() - 2_000;
    });
    await dockerd.losePower();
    const failed = await change;
    expect(failed.code).not.toBe(0);
    await dockerd.switchOn();
    await pair.converge();
    for (const gateway of GATEWAYS) await pair.healthy(gateway);
  });

  it("destroy keeps the volumes, and the next up finds them again", async () => {
    const file = `${WORKSPACE}/kept`;
    await inMain("sh", "-c", `echo still there > ${file}`);
    await dockerd.api.getContainer("neighbour").remove({ force: true });
    ok(await pair.prepared().destroy());
    expect(await pair.ids()).toEqual({});
    expect(existsSync(join(directory("work"), "file"))).toBe(true);
    ok(await pair.up());
    expect(await inMain("cat", file)).toBe("still there\r\n");
  });

  const inMain = (...line: string[]): Promise<string> => inside(pair.name("main"), ...line);

  async function inside(name: string, ...line: string[]): Promise<string> {
    const container = dockerd.api.getContainer(name);
    const exec = await container.exec({ Cmd: line, AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  }
});
