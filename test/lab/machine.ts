/** One systemd in a container: its power switch, and what needs no network to reach it. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, openSync, closeSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { finished, type Outcome } from "../support/processes";
import { inGroup, isPopulated, killGroup, makeGroup, removeGroup } from "./cgroups";
import { remove } from "./commands";
import { INIT } from "./images";
import { isHostName } from "./names";

const NSPAWN_DIRECTORY = "/run/systemd/nspawn";
/** How nspawn says that the machine asked to be started again. */
const REBOOT = 133;

export class Machine {
  /** How often it was started, reboots included. */
  starts = 0;
  private nspawn: ChildProcess | undefined;

  /** `group`: the control group for all its processes. */
  constructor(
    private readonly name: string,
    private readonly root: string,
    private readonly namespace: string,
    private readonly console: string,
  ) {}

  /** Switches it on. It goes on again by itself when it reboots. */
  start(): void {
    if (this.nspawn) throw new Error(`${this.name} runs already`);
    const flags = ["--quiet", "--register=no", "--keep-unit", "--settings=no", "--console=pipe"];
    const untouched = ["--resolv-conf=off", "--timezone=off", "--link-journal=no"];
    const place = [`--directory=${this.root}`, `--machine=${this.name}`, `--network-namespace-path=${this.namespace}`];
    const signal = "--kill-signal=SIGRTMIN+3"; // systemd's word for power off
    const log = openSync(this.console, "a");
    const line = inGroup(this.name, "systemd-nspawn", ...flags, ...untouched, ...place, signal, INIT);
    const env = { PATH: process.env["PATH"], SYSTEMD_NSPAWN_LOCK: "0" }; // its lock files stay in /run for ever
    const child = spawn(line[0], line.slice(1), { stdio: ["ignore", log, log], detached: true, env });
    closeSync(log);
    this.nspawn = child;
    this.starts++;
    child.on("exit", (code) => {
      if (this.nspawn !== child) return;
      this.nspawn = undefined;
      if (code === REBOOT) this.start();
    });
  }

  /** Power loss. */
  async kill(): Promise<void> {
    this.nspawn = undefined;
    await killGroup(this.name);
    // As at a power loss: nothing is left of the groups that systemd made. Trixie starts no user's manager in old ones.
    await removeGroup(this.name);
    makeGroup(this.name);
  }

  isOn(): boolean {
    return isPopulated(this.name);
  }

  /** Runs a command inside without sshd, as root. */
  inside(line: readonly string[], input = ""): Promise<Outcome> {
    const flags = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"];
    const [program, ...args] = inGroup(this.name, "nsenter", "--target", `${this.leader()}`, ...flags, ...line);
    const child = spawn(program, args, { stdio: "pipe", env: { PATH: process.env["PATH"], LANG: "C.UTF-8" } });
    child.stdin.on("error", () => undefined); // it may end without reading
    child.stdin.end(input);
    return finished(child);
  }

  consoleOutput(): string {
    return existsSync(this.console) ? readFileSync(this.console, "utf8") : "";
  }

  /** The machine's process 1, by its number out here. */
  leader(): number {
    const nspawn = this.nspawn?.pid;
    const children = nspawn === undefined ? "" : readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, "utf8").trim();
    if (!children) throw new Error(`${this.name} is off`);
    return Number(children.split(" ")[0]);
  }
}

/** What nspawn leaves in /run for machines that were killed: of all the lab's hosts, or of one. */
export function removeNspawnFiles(isOurs: (name: string) => boolean = isHostName): void {
  if (!existsSync(NSPAWN_DIRECTORY)) return;
  for (const kind of readdirSync(NSPAWN_DIRECTORY)) {
    const directory = join(NSPAWN_DIRECTORY, kind);
    for (const name of readdirSync(directory)) if (isOurs(name)) remove(join(directory, name));
  }
}
