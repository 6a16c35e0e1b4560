/** Engines as programs name them: by the ready stack's configuration, one that is not there yet, one behind SSH. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { keptBy, stackSummary } from "../../cli/summary";
import { type GatewayOutput } from "../../model/outputs";
import { TestStack } from "../support/engine";
import { ok } from "../support/processes";
import { VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import { SshSite } from "../support/sshd";
import { Dockerd } from "./dockerd";
import { OPENCLAW_REPOSITORY, STAND_IN_REPOSITORY } from "./images";
import { inDocker } from "./inDocker";
import { DockerPair, PORTS } from "./pairs";
import { installDockerPlugin } from "./plugin/build";

inDocker("gateways on an engine", () => {
  let dockerd: Dockerd;
  let pair: DockerPair | undefined;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
  });
  afterAll(() => dockerd?.stop());
  afterEach(() => pair?.dispose());

  it("the ready stack runs on an engine elsewhere by configuration alone", async () => {
    const stack = await TestStack.create();
    try {
      installDockerPlugin(stack.env.PULUMI_HOME!);
      stack.configs({
        target: "docker",
        "docker.host": dockerd.host,
        "docker.repository": isSoak ? OPENCLAW_REPOSITORY : STAND_IN_REPOSITORY,
        "docker.pull": "never",
        "docker.cpus": "1.5",
        "main.basePort": `${PORTS.main}`,
        "rescue.basePort": `${PORTS.rescue}`,
      });
      ok(await stack.up());
      ok(await stack.preview("--expect-no-changes"));
      const { gateways } = (await stack.outputs()) as { gateways: GatewayOutput[] };
      const shown = await stackSummary({ gateways }, undefined);
      expect(shown).toMatch(
        new RegExp(`main .* ${PORTS.main} .*healthy .*docker -H \\S+ exec openclaw-test-openclaw-main openclaw`),
      );
      ok(await stack.destroy());
      expect(keptBy(gateways)).toContain(
        "volume rm openclaw-test-openclaw-main-state openclaw-test-openclaw-main-workspace",
      );
    } finally {
      await stack.dispose();
    }
  });

  it("a pair comes up on an engine that does not exist yet in the preview", async () => {
    pair = await DockerPair.ofStandIns(dockerd);
    pair.args.isNew = true;
    const { plan } = await pair.shownUp();
    expect(plan).toContain("engine: its address or key is not known yet, so nothing on it was checked");
    expect(plan).toContain("docker:index:Container claw-main-container create");
    ok(await pair.preview("--expect-no-changes"));
    for (const gateway of ["main", "rescue"] as const) expect(await pair.version(gateway)).toBe(VERSION);
    const { mainCommand } = await pair.stack.outputs();
    expect(mainCommand).toBe(`docker -H ${dockerd.host} exec openclaw-test-claw-main openclaw`);
  });

  it("a pair comes up on an engine behind SSH, whose key is checked", async () => {
    pair = await DockerPair.ofStandIns(dockerd);
    const site = new SshSite();
    try {
      // No more logins at once than sshd takes where nobody has set more.
      const sshd = await site.start({ config: [`SetEnv DOCKER_HOST=${dockerd.host}`, "MaxStartups 10:100:10"] });
      const key = site.makeKey();
      site.authorize(key);
      const identityFile = join(site.directory, "key");
      writeFileSync(identityFile, key.privateKey, { mode: 0o600 });
      const host = `ssh://${site.user}@127.0.0.1:${sshd.port}`;
      Object.assign(pair.args.engine, { host, identityFile, hostKey: site.makeKey().publicKey });
      await pair.refused("engine.host", "Host key verification failed");
      expect(sshd.takeLog()).not.toContain("Accepted");

      Object.assign(pair.args.engine, { hostKey: sshd.hostKey.publicKey });
      // No container has the port: the engine would not show it.
      const other = createServer().listen(PORTS.main, "127.0.0.1");
      pair.args.main.mounts = [{ source: "/no/such/directory", target: "/data" }];
      await pair.refused(
        `claw.main.basePort: port ${PORTS.main} is in use by `,
        "claw.main.mounts: /no/such/directory does not exist on the engine's machine",
      );
      other.close();
      delete pair.args.main.mounts;
      ok(await pair.up());
      for (const gateway of ["main", "rescue"] as const) expect(await pair.version(gateway)).toBe(VERSION);
      pair.args.main.config = { update: { channel: "stable" } };
      await pair.converge();
      const { mainCommand } = await pair.stack.outputs();
      expect(mainCommand).toBe(`docker -H ${host} exec openclaw-test-claw-main openclaw`);
      ok(await pair.prepared().destroy());
      expect(await pair.ids()).toEqual({});
    } finally {
      await site.stop();
    }
  });
});
