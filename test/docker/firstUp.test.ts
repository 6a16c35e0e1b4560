/** The first `up` of a pair, and what stands in its way. With stand-ins for gateways: the rows are about us. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { REFUSED_LATER } from "../support/engine";
import { eventually, finished, ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { WRONG_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { DockerPair, PORTS, said } from "./pairs";

inDocker("the first up of a pair in containers", () => {
  let dockerd: Dockerd;
  let pair: DockerPair;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
  });
  afterAll(() => dockerd?.stop());
  beforeEach(async () => {
    pair = await DockerPair.ofStandIns(dockerd);
  });
  afterEach(() => pair?.dispose());

  it("a first up is refused in preview where something is in the way", async () => {
    const taken = createServer().listen(PORTS.main, "127.0.0.1");
    await once(taken, "listening");
    const foreign = await dockerd.api.createContainer({
      Image: WRONG_IMAGE,
      name: "somebody-elses",
      Cmd: ["sleep", "600"],
      ExposedPorts: { "80/tcp": {} },
      HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: `${PORTS.rescue}` }] } },
    });
    await foreign.start();
    await dockerd.api.createVolume({ Name: `${pair.name("main")}-state` });
    await dockerd.api.createNetwork({ Name: pair.name("rescue") });
    await dockerd.api.createContainer({ Image: WRONG_IMAGE, name: pair.name("main"), Cmd: ["sleep"] });
    Object.assign(pair.args.engine, { digests: { [VERSION]: `sha256:${"0".repeat(64)}` }, cpus: 4096 });
    await pair.refused(
      `claw.main.basePort: port ${PORTS.main} is in use by`,
      `claw.rescue.basePort: port ${PORTS.rescue} is published by the container somebody-elses`,
      `the engine has a volume ${pair.name("main")}-state that does not belong to this gateway`,
      `the engine has a network ${pair.name("rescue")} that does not belong to this gateway`,
      `the engine has a container ${pair.name("main")} that does not belong to this gateway`,
      "is not on the engine, and pull is",
      "engine.cpus",
      "4096 is more than the engine has",
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it("a first up is refused where the engine does not answer", async () => {
    Object.assign(pair.args.engine, { host: "unix:///var/tmp/no-such-engine.sock" });
    await pair.refused("engine.host", "does not answer", "systemctl start docker");
  });

  it("a first up whose gateway does not start fails with the gateway's last lines, and the next one continues from there", async () => {
    pair.args.main.config = { channels: { carrierpigeon: {} } };
    pair.args.rescue.config = { update: { channel: REFUSED_LATER } };
    const failed = await pair.up();
    expect(said(failed)).toMatch(/channel carrierpigeon does not work: OpenClaw does not know this channel/);
    expect(failed.code).not.toBe(0);
    expect(said(failed)).toContain("gateway claw-rescue is not healthy: it exited on its own");
    expect(said(failed)).toMatch(/Invalid config[^]*update\.channel/);
    delete pair.args.rescue.config;
    const { plan } = await pair.shownUp();
    expect(plan).toContain("claw-rescue: it has not become healthy yet");
    ok(await pair.preview("--expect-no-changes"));
  });

  it("up converges after pulumi was killed while it created a container", { timeout: 300_000 }, async () => {
    const pulumi = pair.prepared().start(["up", "--yes", "--skip-preview"]);
    const end = finished(pulumi);
    await eventually("a container", 120, async () => (await pair.ids())[pair.name("rescue")]);
    pulumi.kill("SIGKILL");
    await end;
    // What it had started has ended, or is ended: a plugin that lost its engine.
    ok(await pair.prepared().run(["cancel", "--yes"]));
    await pair.converge();
    for (const gateway of ["main", "rescue"] as const) expect(await pair.version(gateway)).toBe(VERSION);
    expect(Object.keys(await pair.ids()).sort()).toEqual([pair.name("main"), pair.name("rescue")]);
    ok(await pair.prepared().destroy());
    expect(await pair.ids()).toEqual({});
  });

  it("a stack shares an engine with another one, and touches nothing of it", async () => {
    const other = await DockerPair.ofStandIns(dockerd, "other");
    // A stack of the same name in another backend.
    const namesake = await DockerPair.ofStandIns(dockerd);
    try {
      ok(await pair.up());
      const before = await pair.ids();
      await other.refused(`port ${PORTS.main} is published by the container ${pair.name("main")}`);
      other.args.main.basePort = PORTS.main - 10;
      other.args.rescue.basePort = PORTS.rescue - 10;
      ok(await other.up());
      ok(await other.prepared().destroy());
      expect(await pair.ids()).toEqual(before);
      const refused = await namesake.up();
      expect(refused.code).not.toBe(0);
      expect(said(refused)).toContain(`the engine has a container ${pair.name("main")} that does not belong`);
      ok(await namesake.prepared().destroy());
      expect(await pair.ids()).toEqual(before);
      ok(await pair.preview("--expect-no-changes"));
    } finally {
      for (const each of [other, namesake]) await each.dispose();
    }
  });
});
