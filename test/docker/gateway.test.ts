/** The same questions to OpenClaw and to the stand-in for it, in containers; and what the real one needs of its host name. */
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/processes";
import { VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { NODE_UID, OPENCLAW_IMAGE, STAND_IN_IMAGE } from "./images";
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
    put("openclaw.json", JSON.stringify(CONFIG));
    put("wrong.json", JSON.stringify({ ...CONFIG, update: { channel: "bogus" } }));
    put("token", TOKEN);
    chmodSync(files, 0o755);
  });
  afterAll(() => dockerd?.stop());
  afterEach(async () => {
    for (const { Id } of await dockerd.api.listContainers({ all: true }))
      await dockerd.api.getContainer(Id).remove({ force: true });
    for (const { Name } of (await dockerd.api.listVolumes()).Volumes) await dockerd.api.getVolume(Name).remove();
  });

  function put(name: string, contents: string): void {
    writeFileSync(join(files, name), contents, { mode: 0o400 });
    chownSync(join(files, name), NODE_UID, NODE_UID);
  }

  async function start(
    image: string,
    options: Docker.ContainerCreateOptions = {},
    config = "openclaw.json",
  ): Promise<Docker.Container> {
    const container = await dockerd.api.createContainer({
      Image: image,
      User: `${NODE_UID}`,
      Cmd: ["node", "dist/index.js", "gateway", "--bind", "lan", "--port", "18789"],
      Env: [
        "OPENCLAW_STATE_DIR=/home/node/.openclaw",
        `OPENCLAW_CONFIG_PATH=${FILES}/${config}`,
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

  const log = async (container: Docker.Container): Promise<string> =>
    (await container.logs({ stdout: true, stderr: true })).toString();
  const exitCode = async (container: Docker.Container): Promise<number> =>
    ((await container.wait()) as { StatusCode: number }).StatusCode;

  it.each([
    ["OpenClaw", OPENCLAW_IMAGE],
    ["the stand-in", STAND_IN_IMAGE],
  ])(
    "%s tells its version to holders of its token only, refuses an invalid configuration, and stops cleanly",
    async (_, image) => {
      const named = { Hostname: "gateway" };
      const wrong = await start(image, named, "wrong.json");
      expect(await exitCode(wrong)).toBe(78);
      expect(await log(wrong)).toContain("update.channel");
      await wrong.remove();

      const first = await start(image, named);
      await untilReady();
      expect(await ask("/healthz")).toEqual({ ok: true, status: "live" });
      expect(await ask("/readyz")).toEqual({ ready: true });
      expect(await ask("/readyz", TOKEN)).toMatchObject({ ready: true, failing: [] });
      expect(await ask("/startupz")).toMatchObject({ ok: true, status: "started" });
      expect(await ask("/startupz")).not.toHaveProperty("version");
      expect(await ask("/startupz", "another")).not.toHaveProperty("version");
      expect(await ask("/startupz", TOKEN)).toMatchObject({ version: VERSION });

      await first.remove({ force: true });
      // To another host's gateway it seems alive for five minutes: nobody can see over there whether it is.
      if (image === OPENCLAW_IMAGE) {
        const other = await start(image, { Hostname: "another" });
        expect(await exitCode(other)).toBe(1);
        expect(await log(other)).toContain("Another Gateway owner lease is still active");
        await other.remove();
      }
      const successor = await start(image, named);
      await untilReady();
      await successor.stop({ t: BOOT_SECONDS });
      expect(await exitCode(successor)).toBe(0);
    },
  );
});
