/** A Docker engine, on this machine or behind SSH. */
import { execFile, spawn } from "node:child_process";
import { Agent } from "node:http";
import { hostname } from "node:os";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import Docker from "dockerode";
import { Failure, messageOf } from "../../model/failure";
import { listeners, listenersIn } from "../../inspect/listeners";
import { ownAddresses } from "../../inspect/needs";
import { type Listener } from "../../model/conflict";
import type { EngineAddress } from "../../model/requests";

const PING_MS = 15_000;

/** An engine that answers. */
export async function connect(address: EngineAddress): Promise<Docker> {
  const api = clientOf(address);
  const late = sleep(PING_MS, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${PING_MS / 1000} s`);
  });
  try {
    await Promise.race([api.ping(), late]);
    return api;
  } catch (error) {
    throw new Failure(`the Docker engine at ${address.host} does not answer: ${messageOf(error)}`);
  }
}

function clientOf(address: EngineAddress): Docker {
  const ssh = sshTo(address);
  if (!ssh) return new Docker({ socketPath: new URL(address.host).pathname });
  const agent = new SshAgent([...ssh, "docker", "system", "dial-stdio"]);
  // Nobody looks up that name: the agent makes the connection.
  const options: Docker.DockerOptions & { agent: Agent } = {
    protocol: "http",
    host: "docker.invalid",
    port: 80,
    agent,
  };
  return new Docker(options);
}

/** Arguments of `ssh` that lead to the engine's machine; nothing where that is this one. */
function sshTo({ host, ssh = [] }: EngineAddress): string[] | undefined {
  const { protocol, hostname, port, username } = new URL(host);
  if (protocol !== "ssh:") return undefined;
  return [...ssh, ...(port ? ["-p", port] : []), ...(username ? ["-l", username] : []), "--", hostname];
}

/** What can be seen of an engine's machine. */
interface Seen {
  /** Who listens there. The check before a change tries the ports. */
  readonly listening: Listener[];
  readonly addresses: readonly string[];
}

/** Nothing where the key allows only `docker`. `ports`: those that matter. */
export async function seenOn(address: EngineAddress, ports: readonly number[]): Promise<Seen> {
  const isWanted = (port: number): boolean => ports.includes(port);
  if (!sshTo(address)) return { listening: listeners(isWanted), addresses: ownAddresses() };
  const lines = (await runOn(address, LOOK)).split("\n");
  return {
    listening: listenersIn(lines).filter(({ port }) => isWanted(port)),
    addresses: lines.flatMap((line) => /^\d+: .* inet ([\d.]+)/.exec(line)?.[1] ?? []),
  };
}

/** What a script prints on the engine's machine, by a shell; nothing if that cannot be known. */
export async function runOn(address: EngineAddress, script: string): Promise<string> {
  const ssh = sshTo(address);
  const [program, ...args] = ssh ? ["ssh", "-n", ...ssh, script] : ["sh", "-c", script];
  const asking = promisify(execFile)(program, args, { timeout: PING_MS });
  return (await asking.catch(() => ({ stdout: "" }))).stdout;
}

const LOOK =
  "PATH=$PATH:/usr/sbin:/sbin; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; ss -ltnpH 2>/dev/null; ip -4 -o addr 2>/dev/null || true";

/** Whether the engine of a socket here is another machine's, e.g. because this is a container with that socket. */
export const isElsewhere = ({ host }: EngineAddress, { Name }: { readonly Name?: string }): boolean =>
  host.startsWith("unix:") && Name !== hostname();

/** More than everything that we ask of an engine in one connection; most of it is log lines. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_SAID = 4_096;

/**
 * Its connections are `ssh`, like those of Docker's own client and the docker plugin. One for all requests, one after the
 * other: each is a login, which takes longer than a request, and sshd turns away too many at once (MaxStartups).
 */
export class SshAgent extends Agent {
  constructor(private readonly args: readonly string[]) {
    super({ keepAlive: true, maxSockets: 1 });
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): Duplex {
    const ssh = spawn("ssh", this.args, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    ssh.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-MOST_SAID)));
    ssh.stdin.on("error", () => undefined); // its end says why
    const stream = new Duplex({
      write: (chunk, _encoding, next) => void ssh.stdin.write(chunk, () => next()),
      final: (next) => void ssh.stdin.end(() => next()),
      read: () => void ssh.stdout.resume(),
      destroy: (error, next) => {
        ssh.kill();
        next(error);
      },
    });
    let bytes = 0;
    ssh.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) stream.destroy(new Error(`its answer does not end (more than ${MOST_BYTES >> 20} MB)`));
      else if (!stream.push(chunk)) ssh.stdout.pause();
    });
    ssh.on("error", (error) => stream.destroy(error));
    ssh.on("close", (code) => {
      if (code === 0) stream.push(null);
      else stream.destroy(new Error(said.trim().split("\n").at(-1) || `ssh exited with ${code}`));
    });
    const nothing = () => stream;
    // What node:http expects of a socket.
    Object.assign(stream, {
      setKeepAlive: nothing,
      setNoDelay: nothing,
      setTimeout: nothing,
      ref: nothing,
      unref: nothing,
    });
    done?.(null, stream);
    return stream;
  }
}

/** `undefined` if it does not exist. */
export async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
