/** The double of the docker plugin, on the real Pulumi engine and a real Docker engine. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { TestStack } from "../support/engine";
import { ok, type Outcome } from "../support/processes";
import { Dockerd } from "./dockerd";
import { WRONG_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { portAt } from "./names";
import { installDouble } from "./plugin/build";

const PORT = portAt(160);
const SECRET = "canary-uploaded";

inDocker("the double of the docker plugin", () => {
  let dockerd: Dockerd;
  let stack: TestStack;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
  });
  afterAll(() => dockerd?.stop());

  beforeEach(async () => {
    stack = await TestStack.create(join(__dirname, "programs/fourResources.ts"));
    installDouble(stack.env.PULUMI_HOME!);
    Object.assign(stack.env, { TEST_HOST: dockerd.host, TEST_IMAGE: WRONG_IMAGE, TEST_PORT: `${PORT}` });
  });
  afterEach(async () => {
    await stack?.dispose();
    expect(await names()).toEqual({ containers: [], networks: ["bridge", "host", "none"], volumes: [] });
  });

  async function names() {
    const containers = await dockerd.api.listContainers({ all: true });
    return {
      containers: containers.flatMap(({ Names }) => Names),
      networks: (await dockerd.api.listNetworks()).map(({ Name }) => Name).sort(),
      volumes: (await dockerd.api.listVolumes()).Volumes.map(({ Name }) => Name),
    };
  }

  const container = () => dockerd.api.getContainer("four");
  const id = async () => (await stack.outputs()).id as string;
  const page = () => fetch(`http://127.0.0.1:${PORT}/`).then((answer) => answer.text());
  const said = ({ stdout, stderr }: Outcome) => stdout + stderr;
  const clean = async () => ok(await stack.run(["preview", "--expect-no-changes"]));

  it("creates, leaves alone, replaces what changed and destroys", async () => {
    expect(ok(await stack.preview()).stdout).toContain("+ 6 to create");
    ok(await stack.up());
    expect(await page()).toBe(SECRET);
    const { Config, HostConfig, State, Mounts, NetworkSettings } = await container().inspect();
    expect(State.Health!.Status).toBe("healthy");
    expect(HostConfig).toMatchObject({
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Init: true,
      Memory: 2 ** 26,
    });
    expect(Config.Labels).toEqual({ a: "a", b: "1" });
    expect(Object.keys(NetworkSettings.Networks)).toEqual(["four"]);
    expect(Mounts).toMatchObject([{ Type: "volume", Name: (await stack.outputs()).volumeName, Destination: "/data" }]);

    expect(ok(await stack.up("--expect-no-changes")).stdout).toContain("6 unchanged");
    ok(await stack.run(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]));

    const before = await id();
    stack.env.TEST_LABEL = "b";
    expect(ok(await stack.preview()).stdout).toMatch(/\+-\s*1 to replace\s+5 unchanged/);
    ok(await stack.up());
    expect(await id()).not.toBe(before);
    expect((await container().inspect()).Config.Labels).toEqual({ a: "b", b: "1" });

    // One secret makes all uploads one.
    const state = ok(await stack.run(["stack", "export"])).stdout;
    expect(state.includes(SECRET) || state.includes("/srv/index.html")).toBe(false);
    expect(stack.transcript).not.toContain(SECRET);
    const shown = ok(await stack.run(["stack", "export", "--show-secrets"])).stdout;
    expect(shown.includes(SECRET)).toBe(true);
    ok(await stack.destroy());
    expect((await names()).containers).toEqual([]);
    expect((await dockerd.api.listImages()).flatMap(({ RepoTags }) => RepoTags)).toContain(WRONG_IMAGE);
  });

  it("sees at a refresh what was removed, stopped or changed", async () => {
    ok(await stack.up());
    const first = await id();
    await container().remove({ force: true });
    ok(await clean());
    expect(ok(await stack.preview("--refresh")).stdout).toContain("+ 1 to create");
    ok(await stack.up("--refresh"));
    expect(await id()).not.toBe(first);

    const second = await id();
    await container().stop({ t: 0 });
    const plan = ok(await stack.preview("--refresh", "--diff")).stdout;
    expect(plan).toMatch(/mustRun\s*: false => true/);
    ok(await stack.up("--refresh"));
    expect(await id()).not.toBe(second);
    expect(await page()).toBe(SECRET);

    const third = await id();
    await container().update({ RestartPolicy: { Name: "always" } });
    ok(await stack.up("--refresh"));
    expect(await id()).toBe(third);
    expect((await container().inspect()).HostConfig.RestartPolicy!.Name).toBe("no");
    await clean();
  });

  it("keeps a container in the state that has no port, and replaces it once there is one", async () => {
    const squatter = createServer().listen(PORT, "127.0.0.1");
    await once(squatter, "listening");
    const failed = await stack.up();
    expect(failed.code).not.toBe(0);
    expect(said(failed)).toContain("address already in use");
    expect((await container().inspect()).State.Status).toBe("created");
    await new Promise((resolve) => squatter.close(resolve));
    ok(await stack.up());
    expect(await page()).toBe(SECRET);
    await clean();
  });

  it("refuses what it cannot do", async () => {
    stack.env.TEST_IMAGE = "test.invalid/nothing:1";
    expect(said(await stack.up())).toContain("unable to pull image test.invalid/nothing:1");
    stack.env.TEST_IMAGE = WRONG_IMAGE;
    stack.env.TEST_READ_ONLY = "true"; // and uploads
    expect(said(await stack.up())).toContain("container rootfs is marked read-only");
    await dockerd.kill();
    try {
      expect(said(await stack.preview())).toContain(`error pinging Docker server ${dockerd.host}`);
    } finally {
      await dockerd.switchOn();
    }
  });
});
