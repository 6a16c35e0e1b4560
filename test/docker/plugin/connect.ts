/** The way to an engine, as DOCKER_HOST names it. */
import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import Docker from "dockerode";

const PING_MILLISECONDS = 15_000;

/** Throws where it does not answer. */
export async function connect(
  host = process.env["DOCKER_HOST"] || "unix:///var/run/docker.sock",
  sshOptions: readonly string[] = [],
): Promise<Docker> {
  const api = clientOf(new URL(host), sshOptions);
  const limit = setTimeout(PING_MILLISECONDS, undefined, { ref: false }).then(() => {
    throw new Error("no answer");
  });
  await Promise.race([api.ping(), limit]).catch((error: Error) => {
    throw new Error(`error pinging Docker server ${host}: ${error.message}`);
  });
  return api;
}

function clientOf({ protocol, hostname, port, username, pathname }: URL, sshOptions: readonly string[]): Docker {
  if (protocol === "unix:") return new Docker({ socketPath: pathname });
  if (protocol !== "ssh:") throw new Error(`this double of the docker plugin knows no ${protocol}//`);
  const args = [...sshOptions, ...(port ? ["-p", port] : []), ...(username ? ["-l", username] : []), "--", hostname];
  const agent = new SshAgent([...args, "docker", "system", "dial-stdio"]);
  const options: Docker.DockerOptions & { agent: Agent } = {
    protocol: "http",
    host: "docker.invalid",
    port: 80,
    agent,
  };
  return new Docker(options);
}

/** One `ssh` for each connection, as in Docker's own client. */
class SshAgent extends Agent {
  constructor(private readonly args: readonly string[]) {
    super({ keepAlive: true });
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): Duplex {
    const ssh = spawn("ssh", this.args, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    ssh.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const stream = Duplex.from({ writable: ssh.stdin, readable: ssh.stdout });
    ssh.on("error", (error) => stream.destroy(error));
    ssh.on("exit", (code) => {
      if (code !== 0) stream.destroy(new Error(said.trim() || `ssh ended with ${code}`));
    });
    stream.on("close", () => ssh.kill());
    const nothing = () => stream;
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
