/** What goes wrong on an engine, and what `up` makes of it. With stand-ins for gateways: the rows are about what we do. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually, finished, ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { STAND_IN_REPOSITORY, WRONG_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { answer, DockerPair, PORTS, said } from "./pairs";

const STAND_IN = { repository: STAND_IN_REPOSITORY };

inDocker("a pair in containers, when something goes wrong", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
  });
  afterAll(() => dockerd?.stop());

  describe("with a pair that is up", () => {
    beforeAll(async () => {
      pair = await DockerPair.create(dockerd, STAND_IN);
      ok(await pair.up());
    });
    afterAll(() => pair?.dispose());

    const DRIFTS: readonly (readonly [reason: string, cause: () => Promise<unknown>])[] = [
      ["it has stopped", () => pair.container("main").stop()],
      ["its container is gone", () => pair.container("main").remove({ force: true })],
      ["it is paused", () => pair.container("main").pause()],
      ["its limits have been changed", () => pair.container("main").update({ Memory: 2 ** 30 })],
      ["its restart policy has been changed", () => pair.container("main").update({ RestartPolicy: { Name: "no" } })],
    ];
    it.each(DRIFTS)("sees in a preview that %s, and makes it anew", async (reason, cause) => {
      const [main, rescue] = [await pair.id("main"), await pair.id("rescue")];
      await cause();
      const plan = ok(await pair.preview("--diff"));
      expect(said(plan)).toContain(`claw-main: ${reason}`);
      expect(plan.stdout).toContain("claw-main-container");
      await pair.converge();
      expect(await pair.id("main")).not.toBe(main);
      expect(await pair.id("rescue")).toBe(rescue);
      expect(await pair.version("main")).toBe(VERSION);
    });

    it("is healthy again after its engine was killed", async () => {
      await dockerd.kill();
      await dockerd.switchOn();
      await pair.converge();
      for (const gateway of ["main", "rescue"] as const) await pair.healthy(gateway);
    });

    it("is back after the machine has lost its power", async () => {
      await dockerd.losePower();
      await dockerd.switchOn();
      await pair.converge();
      for (const gateway of ["main", "rescue"] as const) await pair.healthy(gateway);
    });

    it("comes back by itself when it is killed, or runs out of memory", async () => {
      const id = await pair.id("main");
      for (const harm of ["SIGKILL", "SIGUSR2"] as const) {
        const before = (await pair.container("main").inspect()).State.StartedAt;
        process.kill(await pair.pid("main"), harm);
        await eventually("another start", 60, async () => {
          const { State } = await pair.container("main").inspect();
          return State.StartedAt !== before && State.Running;
        });
        await pair.healthy("main");
      }
      expect(await pair.id("main")).toBe(id);
      ok(await pair.preview("--expect-no-changes"));
    });

    it("has its network made anew, and its state only where that is wanted", async () => {
      const names = { network: pair.name("main"), state: `${pair.name("main")}-state` };
      await pair.container("main").remove({ force: true });
      await dockerd.api.getNetwork(names.network).remove();
      await dockerd.api.getVolume(names.state).remove();
      const failed = await pair.up();
      expect(said(failed)).toContain(`the network ${names.network} is gone from the engine`);
      expect(said(failed)).toContain(`the volume ${names.state}, with what was on it, is gone from the engine`);
      expect(failed.code).not.toBe(0);
      expect(await pair.version("rescue")).toBe(VERSION);
      await pair.converge("--refresh");
      expect(await pair.version("main")).toBe(VERSION);
    });

    it("waits until its partner has been helped", async () => {
      await pair.container("main").stop();
      pair.args.rescue.config = { update: { channel: "stable" } };
      await pair.converge();
      expect(await pair.version("main")).toBe(VERSION);
    });

    it("is not taken down while its partner is down, unless it is forced", async () => {
      const [main, rescue] = [await pair.id("main"), await pair.id("rescue")];
      pair.args.rescue.config = { update: { channel: "dev" } };
      await pair.hanging("main", async () => {
        const failed = await pair.up();
        expect(said(failed)).toContain(
          `gateway main in the container ${pair.name("main")}, its partner, is not healthy`,
        );
        expect(await pair.id("rescue")).toBe(rescue);
        expect(await pair.version("rescue")).toBe(VERSION);
        pair.args.rescue.force = true;
        await pair.converge();
      });
      expect(await pair.id("rescue")).not.toBe(rescue);
      expect(await pair.id("main")).toBe(main);
      delete pair.args.rescue.force;
      await pair.converge();
    });

    it("is never down as a whole while both change", async () => {
      const outputs = await pair.stack.outputs();
      const asked = (gateway: "main" | "rescue") =>
        answer(PORTS[gateway], outputs[`${gateway}Token`] as string).then((version) => version === VERSION);
      for (const gateway of ["main", "rescue"] as const) pair.args[gateway].config = { update: { channel: "beta" } };
      const samples: boolean[][] = [];
      const change = pair.up();
      let isOver = false;
      void change.finally(() => (isOver = true));
      for (; !isOver; await new Promise((next) => setTimeout(next, 80)))
        samples.push(await Promise.all([asked("main"), asked("rescue")]));
      ok(await change);
      expect(samples.length).toBeGreaterThan(50);
      expect(samples.some(([main]) => !main)).toBe(true);
      expect(samples.some(([, rescue]) => !rescue)).toBe(true);
      expect(samples.filter(([main, rescue]) => !main && !rescue)).toEqual([]);
    });

    it("keeps the old one where the new one never becomes healthy", { timeout: 300_000 }, async () => {
      const before = await pair.ids();
      pair.args.main.config = { update: { channel: "refused" } };
      const failed = await pair.up();
      expect(said(failed)).toContain("the new gateway claw-main does not start, so the old one was left as it is");
      expect(said(failed)).toContain("Invalid config: update.channel");
      expect(await pair.ids()).toEqual(before);
      pair.args.main.config = { update: { channel: "beta" } };
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
      for (const gateway of ["main", "rescue"] as const) await pair.healthy(gateway);
    });

    it("keeps its volumes when it is destroyed, and finds them again", async () => {
      const file = "/home/node/.openclaw/workspace/kept";
      await inMain("touch", file);
      ok(await pair.prepared().destroy());
      expect(await pair.ids()).toEqual({});
      ok(await pair.up());
      expect(await inMain("ls", file)).toContain(file);
    });

    async function inMain(...line: string[]): Promise<string> {
      const exec = await pair.container("main").exec({ Cmd: line, AttachStdout: true, AttachStderr: true, Tty: true });
      const stream = await exec.start({ Tty: true });
      let text = "";
      for await (const chunk of stream) text += String(chunk);
      return text;
    }
  });

  describe("before there is anything", () => {
    beforeEach(async () => {
      pair = await DockerPair.create(dockerd, STAND_IN);
    });
    afterEach(() => pair?.dispose());

    it("is refused in preview where something is in the way", async () => {
      const taken = createServer().listen(PORTS.main, "127.0.0.1");
      await once(taken, "listening");
      await pair.refused("claw.main.basePort", `port ${PORTS.main} is in use by`);
      await new Promise((resolve) => taken.close(resolve));

      const foreign = await dockerd.api.createContainer({
        Image: WRONG_IMAGE,
        name: "somebody-elses",
        Cmd: ["sleep", "600"],
        ExposedPorts: { "80/tcp": {} },
        HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: `${PORTS.rescue}` }] } },
      });
      await foreign.start();
      await pair.refused("claw.rescue.basePort", `port ${PORTS.rescue} is published by the container somebody-elses`);
      await foreign.remove({ force: true });

      await dockerd.api.createVolume({ Name: `${pair.name("main")}-state` });
      await dockerd.api.createNetwork({ Name: pair.name("rescue") });
      const theirs = await dockerd.api.createContainer({ Image: WRONG_IMAGE, name: pair.name("main"), Cmd: ["sleep"] });
      await pair.refused(
        `there is a volume ${pair.name("main")}-state on the engine that is not this gateway's`,
        `there is a network ${pair.name("rescue")} on the engine that is not this gateway's`,
        `there is a container ${pair.name("main")} on the engine that is not this gateway's`,
      );
      await theirs.remove();

      pair.args.engine.digests = { [VERSION]: `sha256:${"0".repeat(64)}` };
      pair.args.engine.cpus = 4096;
      await pair.refused("is not on the engine, and pull is", "engine.cpus", "4096 is more than the engine has");
    });

    it("is refused where the engine does not answer", async () => {
      pair.args.engine.host = "unix:///var/tmp/no-such-engine.sock";
      await pair.refused("engine.host", "does not answer", "systemctl start docker");
    });

    it("fails with its last lines where its first gateway does not start, and goes on from there", async () => {
      pair.args.rescue.config = { update: { channel: "refused" } };
      const failed = await pair.up();
      expect(failed.code).not.toBe(0);
      expect(said(failed)).toContain("gateway claw-rescue is not healthy: it ended by itself");
      expect(said(failed)).toContain("Invalid config: update.channel");
      delete pair.args.rescue.config;
      expect(said(await pair.preview())).toContain("claw-rescue: it has not become healthy yet");
      await pair.converge();
    });

    it("converges after pulumi was killed while it made a container", { timeout: 300_000 }, async () => {
      const pulumi = pair.prepared().start(["up", "--yes", "--skip-preview"]);
      const end = finished(pulumi);
      await eventually("a container", 120, async () => (await pair.ids())[pair.name("rescue")]);
      pulumi.kill("SIGKILL");
      await end;
      // What it had started has ended, or is ended: a plugin that lost its engine.
      ok(await pair.prepared().run(["cancel", "--yes"]));
      await pair.converge();
      for (const gateway of ["main", "rescue"] as const) expect(await pair.version(gateway)).toBe(VERSION);
      ok(await pair.prepared().destroy());
      expect(await pair.ids()).toEqual({});
    });
  });

  it("shares an engine with another stack, whose things it does not touch", async () => {
    const other = await DockerPair.create(dockerd, STAND_IN, "other");
    pair = await DockerPair.create(dockerd, STAND_IN);
    try {
      ok(await pair.up());
      const before = await pair.ids();
      await other.refused(`port ${PORTS.main} is published by the container ${pair.name("main")}`);
      other.args.main.basePort = PORTS.main - 10;
      other.args.rescue.basePort = PORTS.rescue - 10;
      ok(await other.up());
      ok(await other.prepared().destroy());
      expect(await pair.ids()).toEqual(before);
      // A stack of the same name in another backend.
      const namesake = await DockerPair.create(dockerd, STAND_IN);
      const refused = await namesake.up();
      expect(refused.code).not.toBe(0);
      expect(said(refused)).toContain(`there is a container ${pair.name("main")} on the engine that is not`);
      await namesake.stack.dispose();
      expect(await pair.ids()).toEqual(before);
      ok(await pair.preview("--expect-no-changes"));
    } finally {
      await other.stack.dispose();
      await pair.dispose();
    }
  });
});
