/** The way to an engine, as DOCKER_HOST names it. */
import type Docker from "dockerode";
import { connect as connectTo } from "../../../deployer/docker/engine";

/** Throws where it does not answer. */
export async function connect(
  host = process.env["DOCKER_HOST"] || "unix:///var/run/docker.sock",
  ssh: readonly string[] = [],
): Promise<Docker> {
  return connectTo({ host, ssh }).catch((error: Error) => {
    throw new Error(`error pinging Docker server ${host}: ${error.message}`);
  });
}
