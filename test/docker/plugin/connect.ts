/** The way to an engine, as DOCKER_HOST names it. */
import type { Agent } from "node:http";
import { setTimeout } from "node:timers/promises";
import Docker from "dockerode";
import { SshAgent } from "../../../deployer/docker/engine";

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
