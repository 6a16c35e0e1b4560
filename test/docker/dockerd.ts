/** A real Docker engine of its own for tests: `Dockerd.start()`, `dockerd.api`, `dockerd.stop()`. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { basename, dirname, join } from "node:path";
import Docker from "dockerode";
import { fillOnce } from "../../toolchain/cache";
import { cacheDirectory } from "../../model/cache";
import { which } from "../../inspect/which";
import { whyNoCgroups } from "../lab/cgroups";
import { command, remove } from "../lab/commands";
import { unmountBelow } from "../lab/disk";
import { releaseLock, takeLock } from "../lab/lock";
import { startWatchdog } from "../lab/watchdog";
import { ensurePackages } from "../support/debianPackages";
import { eventually } from "../support/processes";
import { copy } from "../support/seed";
import { imagesFingerprint, makeImages } from "./images";
import { DAEMON, DATA_DIRECTORY, ENGINE, EXEC_DIRECTORY, groups, RUN_DIRECTORY, SOCKET, SUBNET } from "./names";
import { sweep } from "./sweep";

const PIDFILE = join(RUN_DIRECTORY, "dockerd.pid");
/** In the place of the machine's. */
const CONFIG = join(RUN_DIRECTORY, "daemon.json");
const LOG = join(RUN_DIRECTORY, "dockerd.log");
/** Where a containerd of the machine listens: dockerd would use it, with all that is in it. */
const CONTAINERD = "/run/containerd/containerd.sock";
const SYSTEM_PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
const START_SECONDS = 30;
/** For another engine that makes images. */
const PATIENCE_MILLISECONDS = 600_000;

/** Why there can be no Docker engine on this machine, whatever is installed. */
export function whyNoDocker(): string | undefined {
  if (process.platform !== "linux") return "a Docker engine needs Linux";
  if (process.getuid!() !== 0) return "a Docker engine needs root: it makes namespaces, mounts and control groups";
  if (existsSync(CONTAINERD)) return `this machine has a containerd of its own, at ${CONTAINERD}: it is not for tests`;
  return whyNoCgroups();
}

/** Everything that is slow the first time; nothing where there can be no engine. */
export async function prepareDocker(): Promise<void> {
  if (whyNoDocker() !== undefined) return;
  installDocker();
  if (!existsSync(imagesDirectory())) await (await Dockerd.start()).stop();
}

function installDocker(): void {
  if (which("dockerd", SYSTEM_PATH) === undefined) ensurePackages(["docker.io", "iptables"]);
  ensurePackages(["iproute2"]);
}

export class Dockerd {
  private daemon: ChildProcess | undefined;

  private constructor(
    private readonly lock: Server,
    private readonly watchdog: ChildProcess,
  ) {}

  /** As DOCKER_HOST has it. */
  readonly host = `unix://${SOCKET}`;
  readonly api = new Docker({ socketPath: SOCKET });

  /** Takes what a dead one left away, and starts. Throws where a living one has the machine. */
  static async start(): Promise<Dockerd> {
    const why = whyNoDocker();
    if (why !== undefined) throw new Error(why);
    const lock = await takeLock(ENGINE);
    const dockerd = new Dockerd(lock, startWatchdog(ENGINE, join(__dirname, "sweep")));
    try {
      installDocker();
      await sweep();
      mkdirSync(RUN_DIRECTORY, { recursive: true, mode: 0o700 });
      writeFileSync(CONFIG, "{}");
      groups.makeGroup(DAEMON);
      command("ip", "link", "add", ENGINE, "type", "bridge");
      command("ip", "address", "add", `${SUBNET}.0.1/24`, "dev", ENGINE);
      const making = await takeLock("claw-docker-images", PATIENCE_MILLISECONDS);
      await dockerd.placeImages().finally(() => releaseLock(making));
      await dockerd.switchOn();
      return dockerd;
    } catch (error) {
      await dockerd.stop();
      throw error;
    }
  }

  /** The daemon's process. */
  get pid(): number {
    if (this.daemon?.pid === undefined) throw new Error("the Docker engine is off");
    return this.daemon.pid;
  }

  /** `kill -9` of the daemon alone: containers go on. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** As its administrator would: containers end, too. */
  async switchOff(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** All its processes end at once, containers included; the disk stays. */
  async losePower(): Promise<void> {
    await this.kill();
    await groups.killGroup();
  }

  /** After `kill` or `losePower`; waits until it answers. */
  async switchOn(): Promise<void> {
    if (this.daemon) throw new Error("the Docker engine is on");
    // Left by a containerd that was killed; the number may be another process's by now.
    for (const file of [PIDFILE, join(EXEC_DIRECTORY, "containerd/containerd.pid")]) rmSync(file, { force: true });
    const log = openSync(LOG, "a");
    const [program, ...args] = groups.inGroup(DAEMON, "dockerd", ...FLAGS);
    const daemon = spawn(program, args, {
      stdio: ["ignore", log, log],
      detached: true,
      env: { PATH: SYSTEM_PATH, HOME: RUN_DIRECTORY },
    });
    closeSync(log);
    this.daemon = daemon;
    daemon.once("exit", () => {
      if (this.daemon === daemon) this.daemon = undefined;
    });
    try {
      await eventually("an answer of dockerd", START_SECONDS, async () => {
        if (!this.daemon) throw new Error("dockerd has ended");
        return this.api.ping().then(
          () => true,
          () => false,
        );
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${this.log().split("\n").slice(-20).join("\n")}`, { cause: error });
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { daemon } = this;
    if (!daemon) return;
    this.daemon = undefined;
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill(signal);
    await ended;
  }

  /** Into its disk before it starts: to import them takes 20 s, to link to what a first import left takes one. */
  private async placeImages(): Promise<void> {
    const images = imagesDirectory();
    const cache = dirname(images);
    await fillOnce(images, async (temporary) => {
      // Older ones, and what a run left that was ended while it made some.
      for (const name of readdirSync(cache)) if (name !== basename(temporary)) remove(join(cache, name));
      await this.switchOn();
      await makeImages(this.api, join(RUN_DIRECTORY, "roots"));
      const { Driver } = (await this.api.info()) as { Driver: string };
      await this.switchOff();
      unmountBelow(RUN_DIRECTORY); // its disk, which it leaves mounted on itself
      for (const name of ["image", Driver]) command("mv", join(DATA_DIRECTORY, name), temporary);
      remove(DATA_DIRECTORY);
    });
    mkdirSync(DATA_DIRECTORY, { mode: 0o711 });
    // Layers are never written to again; the lists of images are.
    for (const name of readdirSync(images))
      if (name === "image") command("cp", "-a", join(images, name), DATA_DIRECTORY);
      else copy(join(images, name), join(DATA_DIRECTORY, name));
  }

  log(): string {
    return existsSync(LOG) ? readFileSync(LOG, "utf8") : "";
  }

  /** Ends it with all its containers; nothing of it is left on the machine but the images' cache. */
  async stop(): Promise<void> {
    await this.losePower();
    await sweep();
    this.watchdog.kill("SIGKILL");
    await releaseLock(this.lock);
  }
}

const imagesDirectory = (): string => join(cacheDirectory(process.env), "docker", `images-${imagesFingerprint()}`);

const FLAGS = [
  `--host=unix://${SOCKET}`,
  `--data-root=${DATA_DIRECTORY}`,
  `--exec-root=${EXEC_DIRECTORY}`,
  `--pidfile=${PIDFILE}`,
  `--bridge=${ENGINE}`,
  `--default-address-pool=base=${SUBNET}.128.0/17,size=24`,
  `--cgroup-parent=/${ENGINE}/containers`,
  `--config-file=${CONFIG}`,
  ...["iptables", "ip6tables", "ip-masq", "ip-forward"].map((name) => `--${name}=false`),
];
