/** Pairs of which one gateway is in a container and the other on the machine itself. */
import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { temporaryRoot } from "../support/hosts";
import { ok } from "../support/processes";
import { placeRelease, seedTools, VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { inDocker } from "./inDocker";
import { portAt } from "./names";
import { DockerPair, said, type Gateway } from "./pairs";

/** What a gateway on a host has. */
const BLOCK = portAt(0);

inDocker("a pair on two targets", () => {
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

  describe.each([
    ["main", "rescue"],
    ["rescue", "main"],
  ] as const)("%s on the machine, %s in a container", (onHost: Gateway, contained: Gateway) => {
    let root: string;
    beforeEach(() => {
      root = temporaryRoot();
      seedTools(root);
      placeRelease(root, onHost);
      pair.args[onHost].onHost = root;
      pair.args[onHost].basePort = BLOCK;
    });
    afterEach(async () => {
      await pair.prepared().destroy();
      rmSync(root, { recursive: true, force: true });
    });

    it("a pair on two targets comes up, and neither is taken down while the other is down", async () => {
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
        expect(said(alone)).toContain(
          `the partner gateway ${contained} in the container ${pair.name(contained)} is not healthy`,
        );
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
