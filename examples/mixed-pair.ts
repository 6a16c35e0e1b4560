/** Main in a container, rescue on the host: what main's agent runs cannot reach rescue's files and processes. */
import { DockerEngine, GatewayPair, LocalHost } from "pulumi-openclaw";

const pair = new GatewayPair("claw", {
  target: new DockerEngine("engine"),
  version: "2026.9.6",
  main: { basePort: 18789 },
  rescue: { target: new LocalHost("here"), basePort: 19789 },
});

export const urls = [pair.main.url, pair.rescue.url];
export const commands = [pair.main.wrapper, pair.rescue.wrapper];
