/** Real hosts on this machine, for tests: `Lab.start()`, `lab.host()`, `lab.stop()`. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { ensurePackages } from "../support/debianPackages";
import { whyNoCgroups } from "./cgroups";
import { command } from "./commands";
import { Host } from "./host";
import { ensureImages, type Debian } from "./images";
import { releaseLock, takeLock } from "./lock";
import { HOSTS_DIRECTORY, LAB, RUN_DIRECTORY } from "./names";
import { BRIDGE_ADDRESS, makeNetwork } from "./network";
import { Registry } from "./registry";
import { sweep } from "./sweep";
import { startWatchdog } from "./watchdog";

const PACKAGES = "mmdebstrap systemd-container openssh-client busybox-static iptables iproute2".split(" ");
const MAXIMUM_HOSTS = 99;

export interface HostOptions {
  readonly debian: Debian;
  /** Directories below the host's own disk, read-only and the first one topmost: what the host need not fetch. */
  readonly layers?: readonly string[];
  /** A disk of this size, that can be full. */
  readonly diskMegabytes?: number;
}

/** Why there can be no lab on this machine, whatever is installed. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") return "the lab needs Linux: its hosts are containers";
  if (process.getuid!() !== 0) return "the lab needs root: it makes network namespaces, mounts and control groups";
  return whyNoCgroups();
}

/** What takes long and is made once for each machine: Debian's packages, and the hosts' images. */
export function prepareLab(): Promise<Readonly<Record<Debian, string>>> {
  ensurePackages(PACKAGES);
  return ensureImages();
}

export class Lab {
  private made = 0;

  private constructor(
    private readonly lock: Server,
    private readonly watchdog: ChildProcess,
    private readonly registry: Registry,
    private readonly images: Readonly<Record<Debian, string>>,
    private readonly key: string,
    /** For `root` and the plain user of every host. */
    readonly privateKey: string,
  ) {}

  /** Takes what a dead lab left away, and makes the network. Throws where a living one has the machine. */
  static async start(): Promise<Lab> {
    const why = whyNoLab();
    if (why !== undefined) throw new Error(why);
    const lock = await takeLock();
    const watchdog = startWatchdog(LAB, join(__dirname, "sweep"));
    try {
      await sweep();
      const images = await prepareLab();
      makeNetwork();
      mkdirSync(HOSTS_DIRECTORY, { recursive: true, mode: 0o700 });
      const key = join(RUN_DIRECTORY, "id_ed25519");
      command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key);
      const registry = await Registry.start(BRIDGE_ADDRESS);
      return new Lab(lock, watchdog, registry, images, key, readFileSync(key, "utf8"));
    } catch (error) {
      await end(lock, watchdog);
      throw error;
    }
  }

  /** An npm registry that hosts can reach: they have no way out to another. */
  get registryUrl(): string {
    return this.registry.url;
  }

  /** A new host, booted, with sshd answering. */
  async host({ debian, layers = [], diskMegabytes }: HostOptions): Promise<Host> {
    const index = ++this.made;
    if (index > MAXIMUM_HOSTS) throw new Error(`a lab makes ${MAXIMUM_HOSTS} hosts at most`);
    const host = new Host({ index, image: this.images[debian], layers, diskMegabytes, key: this.key });
    await host.boot();
    return host;
  }

  /** Ends all hosts; nothing of the lab is left on the machine but its cache. */
  async stop(): Promise<void> {
    await this.registry.stop();
    await end(this.lock, this.watchdog);
  }
}

async function end(lock: Server, watchdog: ChildProcess): Promise<void> {
  await sweep();
  watchdog.kill("SIGKILL");
  await releaseLock(lock);
}
