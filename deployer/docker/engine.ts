/** A Docker engine, on this machine or behind SSH. */
import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { Failure, messageOf } from "../../host/failure";
import type { EngineAddress } from "../request";

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

function clientOf({ host, ssh = [] }: EngineAddress): Docker {
  const { protocol, hostname, port, username, pathname } = new URL(host);
  if (protocol !== "ssh:") return new Docker({ socketPath: pathname });
  const to = [...(port ? ["-p", port] : []), ...(username ? ["-l", username] : []), "--", hostname];
  const agent = new SshAgent([...ssh, ...to, "docker", "system", "dial-stdio"]);
  // Nobody is asked for that name: the agent has the way.
  const options: Docker.DockerOptions & { agent: Agent } = {
    protocol: "http",
    host: "docker.invalid",
    port: 80,
    agent,
  };
  return new Docker(options);
}

/** One `ssh` for each connection, as Docker's own client and the docker plugin have it. */
export class SshAgent extends Agent {
  constructor(private readonly args: readonly string[]) {
    super({ keepAlive: true });
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): Duplex {
    const ssh = spawn("ssh", this.args, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    ssh.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
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
    ssh.stdout.on("data", (chunk) => {
      if (!stream.push(chunk)) ssh.stdout.pause();
    });
    ssh.on("error", (error) => stream.destroy(error));
    ssh.on("close", (code) => {
      if (code === 0) stream.push(null);
      else stream.destroy(new Error(said.trim().split("\n").at(-1) || `ssh ended with ${code}`));
    });
    const nothing = () => stream;
    // What node:http asks of a socket.
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

/** Nothing where it is not there. */
export async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
