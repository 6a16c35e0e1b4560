/** OpenSSH's server on the loopback interface, with a configuration and keys that only last as long as a test file. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensurePackages } from "./debianPackages";

const SSHD = "/usr/sbin/sshd";
const START_MS = 10_000;

export interface Key {
  readonly privateKey: string;
  /** A line as in authorized_keys. */
  readonly publicKey: string;
}

export interface KeyOptions {
  readonly type?: "ed25519" | "rsa" | "ecdsa";
  readonly bits?: number;
  readonly format?: "PEM" | "PKCS8";
  readonly passphrase?: string;
}

export interface SshdOptions {
  /** Lines of sshd_config that come before all others. */
  readonly config?: readonly string[];
  readonly hostKey?: KeyOptions;
}

export interface Sshd {
  readonly port: number;
  readonly hostKey: Key;
  /** What it has logged since the last call. */
  takeLog(): string;
  /** The processes that serve one connection each. */
  sessions(): number[];
  /** Ends the server and whoever is connected. */
  stop(): Promise<void>;
}

/** A place with servers and keys in it. */
export class SshSite {
  readonly directory: string;
  readonly user = userInfo().username;
  private readonly servers: Sshd[] = [];
  private keys = 0;

  /** Throws why there can be none here. The lines go into the sshd_config of all its servers. */
  constructor(private readonly config: readonly string[] = []) {
    ensurePackages(["openssh-server", "openssh-client"]);
    this.directory = mkdtempSync(join(tmpdir(), "sshd-"));
    writeFileSync(join(this.directory, "authorized_keys"), "", { mode: 0o600 });
  }

  makeKey({ type = "ed25519", bits, format, passphrase = "" }: KeyOptions = {}): Key {
    const file = join(this.directory, `key-${this.keys++}`);
    // With -a 1 a passphrase costs next to nothing.
    const args = ["-q", "-t", type, "-f", file, "-N", passphrase, "-C", "test", "-Z", "aes256-ctr", "-a", "1"];
    if (bits !== undefined) args.push("-b", String(bits));
    if (format) args.push("-m", format);
    execFileSync("ssh-keygen", args);
    return { privateKey: readFileSync(file, "utf8"), publicKey: readFileSync(`${file}.pub`, "utf8").trimEnd() };
  }

  /** Lets the key in, on all servers of the site. */
  authorize({ publicKey }: Key, options = ""): void {
    appendFileSync(join(this.directory, "authorized_keys"), `${options} ${publicKey}\n`.trimStart());
  }

  async start({ config = [], hostKey = {} }: SshdOptions = {}): Promise<Sshd> {
    // Where it starts as root, it insists on this directory.
    if (process.getuid!() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const key = this.makeKey(hostKey);
    const port = await freePort();
    const base = join(this.directory, `sshd-${port}`);
    writeFileSync(`${base}-host-key`, key.privateKey, { mode: 0o600 });
    writeFileSync(
      `${base}.conf`,
      [
        ...config,
        ...this.config,
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${base}-host-key`,
        `AuthorizedKeysFile ${join(this.directory, "authorized_keys")}`,
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "MaxStartups 1000",
        "LogLevel VERBOSE",
        "",
      ].join("\n"),
    );
    const child = spawn(SSHD, ["-D", "-E", `${base}.log`, "-f", `${base}.conf`], { stdio: "ignore" });
    const server = new Running(child, port, key, `${base}.log`);
    this.servers.push(server);
    await server.answers();
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    rmSync(this.directory, { recursive: true });
  }
}

class Running implements Sshd {
  private logged = 0;

  constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly hostKey: Key,
    private readonly logFile: string,
  ) {
    // Also where the tests are interrupted.
    process.once("exit", () => child.kill("SIGKILL"));
  }

  async answers(): Promise<void> {
    for (const end = Date.now() + START_MS; Date.now() < end; await sleep(20)) {
      if (this.child.exitCode !== null) throw new Error(`sshd did not start: ${readFileSync(this.logFile, "utf8")}`);
      if (await accepts(this.port)) {
        await sleep(50);
        this.takeLog();
        return;
      }
    }
    throw new Error("sshd does not answer");
  }

  takeLog(): string {
    const log = readFileSync(this.logFile, "utf8");
    const news = log.slice(this.logged);
    this.logged = log.length;
    return news;
  }

  sessions(): number[] {
    return childrenOf(this.child.pid!);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    const sessions = this.sessions();
    this.child.kill("SIGKILL");
    await ended;
    for (const pid of sessions) killIfAlive(pid);
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
