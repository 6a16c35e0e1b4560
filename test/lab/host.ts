/** A host of the lab: Debian with systemd and sshd, and everything that can happen to it. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually, finished, type Outcome } from "../support/processes";
import { freezeGroup, makeGroup, removeGroup } from "./cgroups";
import { command, remove } from "./commands";
import { Disk, unmountBelow } from "./disk";
import { PLAIN_USER } from "./images";
import { Machine, removeNspawnFiles } from "./machine";
import { HOSTS_DIRECTORY, LAB } from "./names";
import { Plug, removeLink } from "./network";

const BOOT_SECONDS = 60;

export interface HostSetup {
  readonly index: number;
  readonly image: string;
  readonly layers: readonly string[];
  readonly diskMegabytes?: number | undefined;
  /** The lab's key pair: the public half is `${key}.pub`. */
  readonly key: string;
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly port = 22;
  /** The plain user: uid 1000, no rights beyond its own, no lingering. */
  readonly user = PLAIN_USER;
  /** Public key of its sshd, as a line of known_hosts has it: type and key. */
  readonly hostKey: string;
  /** Its file system, as seen from outside. */
  readonly rootDirectory: string;
  private readonly directory: string;
  private readonly disk: Disk;
  private readonly plug: Plug;
  private readonly machine: Machine;
  private readonly ssh: readonly string[];

  /** Made, but off. */
  constructor({ index, image, layers, diskMegabytes, key }: HostSetup) {
    this.name = `${LAB}-${index}`;
    this.directory = join(HOSTS_DIRECTORY, this.name);
    mkdirSync(this.directory);
    makeGroup(this.name);
    this.disk = new Disk(this.directory, { image, layers, megabytes: diskMegabytes });
    this.rootDirectory = this.disk.root;
    this.plug = new Plug(this.name, index, join(this.directory, "network"));
    this.address = this.plug.address;
    this.hostKey = this.installKeys(`${key}.pub`);
    writeFileSync(join(this.rootDirectory, "etc/hostname"), `${this.name}\n`);
    writeFileSync(join(this.rootDirectory, "etc/hosts"), `127.0.0.1 localhost\n${this.address} ${this.name}\n`);
    writeFileSync(join(this.rootDirectory, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
    this.machine = new Machine(this.name, this.rootDirectory, this.plug.namespace, join(this.directory, "console"));
    this.ssh = this.clientOptions(key);
  }

  /** Runs a command over SSH, by default as root; `code` is 255 where the connection itself failed. */
  run(line: string, options: { user?: string; input?: string } = {}): Promise<Outcome> {
    const child = spawn("ssh", [...this.ssh, `${options.user ?? "root"}@${this.address}`, line], { stdio: "pipe" });
    child.stdin.on("error", () => undefined); // it may end without reading
    child.stdin.end(options.input ?? "");
    return finished(child);
  }

  /** Runs a command as root without SSH. */
  inside(line: string, options: { input?: string } = {}): Promise<Outcome> {
    return this.machine.inside(["sh", "-c", line], options.input);
  }

  /** Pulls the network cable: packets to and from the host go nowhere. */
  cut(): void {
    this.plug.connect(false);
  }

  heal(): void {
    this.plug.connect(true);
  }

  /** Power loss: all its processes end at once, the disk stays. */
  async kill(): Promise<void> {
    await this.machine.kill();
  }

  /** Switches it on, and waits until sshd lets both users in. */
  async boot(): Promise<void> {
    this.machine.start();
    await this.untilUp();
  }

  /** As its administrator would; waits until the host is up again. */
  async reboot(): Promise<void> {
    const before = this.machine.starts;
    await this.run("systemctl reboot");
    await eventually(`${this.name} starts again`, BOOT_SECONDS, () => this.machine.starts > before);
    await this.untilUp();
  }

  /** Everything on it stops where it is: connections open and nobody answers. */
  async freeze(): Promise<void> {
    await freezeGroup(this.name, true);
  }

  async thaw(): Promise<void> {
    await freezeGroup(this.name, false);
  }

  /** Connections to this port are refused, as if nothing listened. */
  refusePort(port: number): void {
    this.plug.refuse(port, true);
  }

  acceptPort(port: number): void {
    this.plug.refuse(port, false);
  }

  /** Loses this share of packets (0 to 1) in both directions. */
  losePackets(share: number): void {
    this.plug.lose(share);
  }

  keepPackets(): void {
    this.plug.lose(0);
  }

  /** Fills the disk of a host made with `diskMegabytes`. */
  fillDisk(): void {
    this.disk.fill();
  }

  freeDisk(): void {
    this.disk.free();
  }

  /** What it printed while it booted. */
  consoleOutput(): string {
    return this.machine.consoleOutput();
  }

  /** Ends it and removes all of it, disk included. */
  async dispose(): Promise<void> {
    await this.kill();
    removeLink(this.name);
    unmountBelow(this.directory);
    await removeGroup(this.name);
    removeNspawnFiles((name) => name === this.name);
    remove(this.directory);
  }

  private async untilUp(): Promise<void> {
    try {
      await eventually("an answer of sshd", BOOT_SECONDS, () => this.greets());
      // Plain users are let in a little later than root. To try would start their services, which only lingering may.
      const open = async () => (await this.run("test ! -e /run/nologin")).code === 0;
      await eventually("logins of plain users", BOOT_SECONDS, open);
    } catch (error) {
      throw new Error(`${this.name} does not come up: ${String(error)}\n${this.consoleOutput()}`, { cause: error });
    }
  }

  private greets(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.address, port: this.port, timeout: 1_000 });
      const done = (greets: boolean) => {
        socket.destroy();
        resolve(greets);
      };
      socket.on("data", (data) => done(data.toString().startsWith("SSH-")));
      for (const event of ["error", "timeout", "close"]) socket.on(event, () => done(false));
    });
  }

  /** A host key of its own, and the lab's key for both users. Returns the host key. */
  private installKeys(publicKey: string): string {
    const hostKey = join(this.rootDirectory, "etc/ssh/ssh_host_ed25519_key");
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", hostKey);
    for (const [home, owner] of [["root", "0"] as const, [`home/${PLAIN_USER}`, "1000"] as const]) {
      const target = join(this.rootDirectory, home, ".ssh/authorized_keys");
      command("install", "-m", "0600", "-o", owner, "-g", owner, publicKey, target);
    }
    return readFileSync(`${hostKey}.pub`, "utf8").trim();
  }

  private clientOptions(key: string): string[] {
    const knownHosts = join(this.directory, "known_hosts");
    writeFileSync(knownHosts, `${this.address} ${this.hostKey}\n`);
    const options = {
      BatchMode: "yes",
      ConnectTimeout: "10",
      IdentitiesOnly: "yes",
      LogLevel: "ERROR",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: knownHosts,
      ServerAliveInterval: "10",
    };
    const flags = Object.entries(options).map(([name, value]) => `-o${name}=${value}`);
    return ["-F", "none", "-i", key, ...flags];
  }
}
