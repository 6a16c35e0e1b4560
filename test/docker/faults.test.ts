/** What goes wrong on an engine, and what `up` makes of it. With stand-ins for gateways: the rows are about what we do. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { REFUSED_LATER } from "../support/engine";
import { eventually, ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import { Dockerd } from "./dockerd";
import { inDocker } from "./inDocker";
import { DockerPair, said, type Gateway } from "./pairs";

const GATEWAYS: readonly Gateway[] = ["main", "rescue"];

inDocker("a pair in containers, when something goes wrong", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
    pair = await DockerPair.ofStandIns(dockerd);
    ok(await pair.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await dockerd?.stop();
  });

  it("replaces main's container alone where main's configuration changes, and keeps its volumes", async () => {
    const [main, rescue] = [await pair.id("main"), await pair.id("rescue")];
    const file = "/home/node/.openclaw/workspace/file";
    await inMain("sh", "-c", `echo kept > ${file}`);
    pair.args.main.config = { update: { channel: "stable" } };
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

  const drifts = {
    stop: (gateway: Gateway) => pair.container(gateway).stop(),
    remove: (gateway: Gateway) => pair.container(gateway).remove({ force: true }),
    pause: (gateway: Gateway) => pair.container(gateway).pause(),
    limits: (gateway: Gateway) => pair.container(gateway).update({ Memory: 2 ** 30 }),
    restart: (gateway: Gateway) => pair.container(gateway).update({ RestartPolicy: { Name: "no" } }),
  };
  const REASONS: Readonly<Record<keyof typeof drifts, string>> = {
    stop: "it has stopped",
    remove: "its container is gone",
    pause: "it is paused",
    limits: "its limits have been changed",
    restart: "its restart policy has been changed",
  };
  it.each<{ main: keyof typeof drifts; rescue?: keyof typeof drifts; config?: object; flags?: string[] }>([
    // It waits until its partner has been helped.
    { main: "remove", config: { update: { channel: "beta" } } },
    { main: "pause", rescue: "limits" },
    { main: "restart", rescue: "remove" },
    { main: "stop", flags: ["--refresh"] },
  ])("shows in a preview and makes anew what is not as it was: %j", async ({ main, rescue, config, flags = [] }) => {
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
  });

  it("is healthy again after its engine was killed", async () => {
    await dockerd.kill();
    await dockerd.switchOn();
    await pair.converge();
    for (const gateway of GATEWAYS) await pair.healthy(gateway);
  });

  it("comes back by itself when its machine loses its power, when it is killed, or runs out of memory", async () => {
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

  it("has its network made anew, and its state only where that is wanted", async () => {
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
    expect(await pair.version("main")).toBe(VERSION);
  });

  it("is not taken down while its partner is down, unless it is forced", async () => {
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

  it("keeps the old one where the new one does not start", async () => {
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

  it("converges after the engine has gone in the middle of an up", async () => {
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

  it("keeps its volumes when it is destroyed, and finds them again", async () => {
    const file = "/home/node/.openclaw/workspace/kept";
    await inMain("sh", "-c", `echo still there > ${file}`);
    ok(await pair.prepared().destroy());
    expect(await pair.ids()).toEqual({});
    ok(await pair.up());
    expect(await inMain("cat", file)).toBe("still there\r\n");
  });

  async function inMain(...line: string[]): Promise<string> {
    const exec = await pair.container("main").exec({ Cmd: line, AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  }
});
