/** What a real gateway in a container needs of the name of its host. */
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/processes";
import { Dockerd } from "./dockerd";
import { NODE_UID, OPENCLAW_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { portAt, RUN_DIRECTORY } from "./names";

const PORT = portAt(170);
const TOKEN = "canary-token-of-the-gateway-in-a-container";
const FILES = "/etc/openclaw";
const BOOT_SECONDS = 120;
const GIBIBYTE = 2 ** 30;

const CONFIG = {
  gateway: {
    mode: "local",
    port: 18789,
    bind: "lan",
    auth: { mode: "token", token: { source: "file", provider: "token", id: "value" } },
    controlUi: { allowedOrigins: [`http://127.0.0.1:${PORT}`, `http://localhost:${PORT}`] },
  },
  secrets: { providers: { token: { source: "file", path: `${FILES}/token`, mode: "singleValue" } } },
  update: { checkOnStart: false },
};

inDocker("a gateway in a container", () => {
  let dockerd: Dockerd;
  let files: string;

  beforeAll(async () => {
    dockerd = await Dockerd.start();
    files = mkdtempSync(join(RUN_DIRECTORY, "files-"));
    for (const [name, contents] of [
      ["openclaw.json", JSON.stringify(CONFIG)],
      ["token", TOKEN],
    ] as const) {
      writeFileSync(join(files, name), contents);
      chmodSync(join(files, name), 0o400);
      chownSync(join(files, name), NODE_UID, NODE_UID);
    }
    chmodSync(files, 0o755);
  });
  afterAll(() => dockerd?.stop());
  afterEach(async () => {
    for (const { Id } of await dockerd.api.listContainers({ all: true }))
      await dockerd.api.getContainer(Id).remove({ force: true });
    for (const { Name } of (await dockerd.api.listVolumes()).Volumes) await dockerd.api.getVolume(Name).remove();
  });

  async function start(image: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const container = await dockerd.api.createContainer({
      Image: image,
      User: `${NODE_UID}`,
      Cmd: ["node", "dist/index.js", "gateway", "--bind", "lan", "--port", "18789"],
      Env: [
        "OPENCLAW_STATE_DIR=/home/node/.openclaw",
        `OPENCLAW_CONFIG_PATH=${FILES}/openclaw.json`,
        "OPENCLAW_CONFIG_READONLY=1",
        "OPENCLAW_NO_AUTO_UPDATE=1",
      ],
      ExposedPorts: { "18789/tcp": {} },
      HostConfig: {
        Init: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        ReadonlyRootfs: true,
        PidsLimit: 512,
        Memory: 2 * GIBIBYTE,
        Tmpfs: { "/tmp": "", "/home/node/.cache": `uid=${NODE_UID},gid=${NODE_UID},mode=0700` },
        Binds: ["state:/home/node/.openclaw", `${files}:${FILES}:ro`],
        PortBindings: { "18789/tcp": [{ HostIp: "127.0.0.1", HostPort: `${PORT}` }] },
      },
      ...options,
    });
    await container.start();
    return container;
  }

  async function ask(path: string, token?: string): Promise<Record<string, unknown> | undefined> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const call = fetch(`http://127.0.0.1:${PORT}${path}`, { headers, signal: AbortSignal.timeout(5_000) });
    return call.then((answer) => answer.json() as Promise<Record<string, unknown>>).catch(() => undefined);
  }

  const untilReady = () => eventually("readiness", BOOT_SECONDS, async () => (await ask("/readyz"))?.ready === true);

  it("leaves its state to a successor of the same host name, even where it was killed", async () => {
    const named = { Hostname: "gateway" };
    const first = await start(OPENCLAW_IMAGE, named);
    await untilReady();
    await first.remove({ force: true });
    const second = await start(OPENCLAW_IMAGE, named);
    await untilReady();
    await second.remove({ force: true });
    // To another host's gateway it seems alive for five minutes: nobody can see over there whether it is.
    const third = await start(OPENCLAW_IMAGE, { Hostname: "another" });
    await third.wait();
    expect((await third.inspect()).State.ExitCode).toBe(1);
    const log = (await third.logs({ stdout: true, stderr: true })).toString();
    expect(log).toContain("Another Gateway owner lease is still active");
  });
});
