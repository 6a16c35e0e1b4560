/** A real gateway in the tests' image, in the profile that OpenClaw itself gives to gateways in containers. */
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { command } from "../lab/commands";
import { eventually } from "../support/processes";
import { VERSION } from "../support/seed";
import { Dockerd } from "./dockerd";
import { NODE_UID, OPENCLAW_IMAGE, WRONG_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { RUN_DIRECTORY } from "./names";

const PORT = 25998;
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

  async function run(container: Docker.Container, ...line: string[]): Promise<string> {
    const exec = await container.exec({ Cmd: line, AttachStdout: true, AttachStderr: true, Tty: true });
    return text(await exec.start({ Tty: true }));
  }

  it("runs hardened, and tells its version to who has the token", async () => {
    const container = await start(OPENCLAW_IMAGE);
    await untilReady();
    expect(await ask("/startupz")).toEqual({ ok: true, status: "started" });
    expect(await ask("/startupz", TOKEN)).toMatchObject({ ok: true, version: VERSION });
    expect(await run(container, "openclaw", "gateway", "health", "--json")).toMatch(/"ok": true/);
    expect(await run(container, "sh", "-c", "touch /app/x; touch /etc/openclaw/x")).toMatch(
      /x: Read-only[^]*x: Read-only/,
    );
    expect(JSON.stringify(await container.inspect())).not.toContain(TOKEN);
    const listening = command("ss", "-Hltn", `sport = :${PORT}`);
    expect(listening.trim().split("\n")).toEqual([expect.stringContaining(` 127.0.0.1:${PORT} `)]);
    await container.stop({ t: 60 });
    expect((await container.inspect()).State.ExitCode).toBe(0);
  });

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

  it("is none where the image is a wrong one", async () => {
    const tests = ["CMD", "node", "-e", "process.exit(0)"];
    const container = await start(WRONG_IMAGE, { Healthcheck: { Test: tests, Interval: 1e9, Retries: 2 } });
    await expect
      .poll(async () => (await container.inspect()).State.Health?.Status, { timeout: 10_000 })
      .toBe("unhealthy");
    expect(await ask("/startupz")).toBeUndefined();
  });
});
