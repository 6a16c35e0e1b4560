/** The tests' Docker engine keeps its promises: what the tests of the product build on. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pause } from "../lab/commands";
import { eventually, isRunning } from "../support/processes";
import { Dockerd } from "./dockerd";
import { WRONG_IMAGE } from "./images";
import { inDocker } from "./inDocker";
import { portAt, SUBNET } from "./names";
import { readProcess, traces } from "./traces";

const PORT = portAt(150);
const MEBIBYTE = 1024 * 1024;

inDocker("a Docker engine", () => {
  let dockerd: Dockerd;
  beforeAll(async () => {
    dockerd = await Dockerd.start();
  });
  afterAll(async () => {
    if (!dockerd) return; // another one has the machine, and what is here is its own
    await dockerd.stop();
    expect(traces()).toEqual([]);
  });

  const create = (cmd: string[], HostConfig: Docker.HostConfig = {}): Promise<Docker.Container> =>
    dockerd.api.createContainer({ Image: WRONG_IMAGE, Cmd: cmd, HostConfig: { Init: true, ...HostConfig } });

  /** What a container printed, at its end. */
  async function run(line: string, config: Docker.HostConfig = {}): Promise<string> {
    const container = await create(["sh", "-c", line], config);
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    dockerd.api.modem.demuxStream(stream, stdout, stderr);
    stream.once("end", () => [stdout, stderr].forEach((one) => one.end()));
    await container.start();
    const [out, err] = await Promise.all([text(stdout), text(stderr)]);
    await container.remove();
    return out + err;
  }

  it("the test engine publishes ports on the loopback interface only", async () => {
    const web = await dockerd.api.createContainer({
      Image: WRONG_IMAGE,
      Cmd: ["sh", "-c", "cd /tmp && echo hello > index.html && exec httpd -f -p 80"],
      ExposedPorts: { "80/tcp": {} },
      HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: `${PORT}` }] } },
    });
    await web.start();
    const ask = (host: string) => fetch(`http://${host}:${PORT}/`).then((answer) => answer.text());
    await expect.poll(() => ask("127.0.0.1").catch(String), { timeout: 5_000 }).toBe("hello\n");
    await expect(ask(`${SUBNET}.0.1`)).rejects.toThrow();
    await web.remove({ force: true });
  });

  it("the test engine gives containers names in networks of their own", async () => {
    const network = await dockerd.api.createNetwork({ Name: "pair" });
    const other = await dockerd.api.createContainer({
      Image: WRONG_IMAGE,
      name: "other",
      Cmd: ["sh", "-c", "while :; do echo hello | nc -l -p 8080; done"],
      HostConfig: { NetworkMode: "pair" },
    });
    await other.start();
    const line = "for i in 1 2 3 4 5; do nc -w 2 other 8080 </dev/null && break; sleep 0.2; done";
    expect(await run(line, { NetworkMode: "pair" })).toBe("hello\n");
    await other.remove({ force: true });
    await network.remove();
  });

  it("the test engine limits memory, processes and privileges", async () => {
    const look =
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max; touch /app/x; cat /proc/self/status";
    const said = await run(look, {
      Memory: 64 * MEBIBYTE,
      PidsLimit: 99,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
    });
    expect(said).toMatch(new RegExp(`^${64 * MEBIBYTE}\n99\n`));
    expect(said).toContain("Read-only file system");
    expect(said).toMatch(/^CapBnd:\t0+$/m);
    expect(said).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it("the test engine keeps volumes", async () => {
    await run("echo kept > /home/node/.openclaw/file", { Binds: ["kept:/home/node/.openclaw"] });
    expect(await run("cat /home/node/.openclaw/file; id -u", { Binds: ["kept:/home/node/.openclaw"] })).toBe(
      "kept\n1000\n",
    );
    await dockerd.api.getVolume("kept").remove();
  });

  it("the test engine comes back however it ended, with its containers as Docker restores them", async () => {
    const container = await create(["sleep", "1000"], { RestartPolicy: { Name: "unless-stopped" } });
    await container.start();
    const comeback = async (end: () => Promise<void>): Promise<string> => {
      await end();
      await expect(dockerd.api.ping()).rejects.toThrow();
      await dockerd.switchOn();
      await pause(1_000); // for a restart that should not be
      return (await container.inspect()).State.Status;
    };
    // Its containers outlive it, so the next daemon ends them: as ended for good.
    expect(await comeback(() => dockerd.kill())).toBe("exited");
    await container.start();
    expect(await comeback(() => dockerd.losePower())).toBe("running");
    expect(await comeback(() => dockerd.switchOff())).toBe("running");
    await container.remove({ force: true });
  });

  it("only one test engine runs in each slot of this machine", async () => {
    await expect(Dockerd.start()).rejects.toThrow(`in use by process ${process.pid} `);
    expect((await dockerd.api.listImages()).flatMap(({ RepoTags }) => RepoTags)).toContain(WRONG_IMAGE);
  });
});

inDocker("a Docker engine whose process is killed", () => {
  it("the test engine is removed by its watchdog", async () => {
    const program = await otherProcessWithAnEngine();
    expect(traces()).not.toEqual([]);
    program.kill("SIGKILL");
    await expect.poll(traces, { timeout: 20_000, interval: 200 }).toEqual([]);
  });

  it("the next test engine removes one whose watchdog was killed too", async () => {
    const program = await otherProcessWithAnEngine();
    const children = readProcess(program.pid!, `task/${program.pid}/children`).trim().split(" ");
    const watchdog = children.find((pid) => readProcess(pid, "cmdline").includes("watchdog.ts"));
    process.kill(Number(watchdog), "SIGKILL");
    program.kill("SIGKILL");
    await eventually("its end", 5, () => !isRunning(program.pid!));
    expect(traces().join("\n")).toContain("sleep 1000");
    const dockerd = await Dockerd.start();
    expect(await dockerd.api.listContainers({ all: true })).toEqual([]);
    expect((await dockerd.api.listVolumes()).Volumes).toEqual([]);
    await dockerd.stop();
    expect(traces()).toEqual([]);
  });
});

async function otherProcessWithAnEngine(): Promise<ChildProcess> {
  const line = ["-r", "ts-node/register/transpile-only", join(__dirname, "programs/oneContainer.ts")];
  const program = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    program.stdout.once("data", resolve).once("end", () => reject(new Error("it ended before it had an engine")));
  });
  return program;
}
