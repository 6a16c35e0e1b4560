/** An engine behind SSH, and pairs of which one gateway is in a container and the other on the machine itself. */
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DockerPair, PORTS, said, type Gateway } from "./pairs";
import { placeStandIn } from "../standIn/release";
import { temporaryRoot } from "../support/hosts";
import { TestStack } from "../support/engine";
import { ok } from "../support/processes";
import { keptBy, summary, type GatewayOutput } from "../../toolchain/summary";
import { seedTools, VERSION } from "../support/seed";
import { SshSite } from "../support/sshd";
import { Dockerd } from "./dockerd";
import { STAND_IN_REPOSITORY } from "./images";
import { inDocker } from "./inDocker";
import { portAt } from "./names";
import { installDockerPlugin } from "./plugin/build";

/** What a gateway on a host has. */
const BLOCK = portAt(0);

inDocker("gateways in containers and elsewhere", () => {
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

  it("is the ready stack's, by its configuration", async () => {
    const stack = await TestStack.create();
    try {
      installDockerPlugin(stack.env.PULUMI_HOME!);
      await stack.configs({
        target: "docker",
        "docker.host": dockerd.host,
        "docker.repository": STAND_IN_REPOSITORY,
        "docker.pull": "never",
        "docker.cpus": "1.5",
        "main.basePort": `${PORTS.main}`,
        "rescue.basePort": `${PORTS.rescue}`,
      });
      ok(await stack.up());
      ok(await stack.preview("--expect-no-changes"));
      const { gateways } = (await stack.outputs()) as { gateways: GatewayOutput[] };
      const shown = await summary({ gateways }, undefined);
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

  it("comes up on an engine that is not there yet in the preview", async () => {
    pair.args.isNew = true;
    const { plan } = await pair.shownUp();
    expect(plan).toContain("engine: its address or key is not known yet, so nobody looked at what is on it");
    expect(plan).toMatch(/docker:index:Container claw-main-container create/);
    ok(await pair.preview("--expect-no-changes"));
    for (const gateway of ["main", "rescue"] as const) expect(await pair.version(gateway)).toBe(VERSION);
    const { mainCommand } = await pair.stack.outputs();
    expect(mainCommand).toBe(`docker -H ${dockerd.host} exec openclaw-test-claw-main openclaw`);
  });

  it("comes up on an engine behind SSH, whose key is checked", async () => {
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

      pair.args.engine.hostKey = sshd.hostKey.publicKey;
      // No container has the port: the engine would not show it.
      const other = createServer().listen(PORTS.main, "127.0.0.1");
      await pair.refused(`claw.main.basePort: port ${PORTS.main} is in use by `);
      other.close();
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

  describe.each([
    ["main", "rescue"],
    ["rescue", "main"],
  ] as const)("%s on the machine, %s in a container", (onHost: Gateway, contained: Gateway) => {
    let root: string;
    beforeEach(() => {
      root = temporaryRoot();
      seedTools(root);
      placeStandIn(root, onHost, { version: VERSION });
      pair.args[onHost].onHost = root;
      pair.args[onHost].basePort = BLOCK;
    });
    afterEach(async () => {
      await pair.prepared().destroy();
      rmSync(root, { recursive: true, force: true });
    });

    it("comes up, and neither is taken down while the other is down", async () => {
      ok(await pair.up());
      expect(await pair.version(contained)).toBe(VERSION);
      expect(await startedAt(BLOCK)).toBe("started");

      const before = await pair.id(contained);
      for (const gateway of [onHost, contained]) pair.args[gateway].config = { update: { channel: "stable" } };
      ok(await pair.up());
      expect(await pair.id(contained)).not.toBe(before);

      // The deployer asks for the host's program.
      await pair.hanging(contained, async () => {
        pair.args[onHost].config = { update: { channel: "beta" } };
        const alone = await pair.up();
        expect(alone.code).not.toBe(0);
        expect(said(alone)).toContain(`in the container ${pair.name(contained)}, its partner, is not healthy`);
        expect(await startedAt(BLOCK)).toBe("started");
      });
      await pair.converge();
    });
  });

  async function startedAt(port: number): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}/startupz`, { signal: AbortSignal.timeout(3_000) });
    return ((await response.json()) as { status?: unknown }).status;
  }
});
