/** A pair in containers on this machine's Docker engine. It also needs: npm install @pulumi/docker@5.2.0 */
import { DockerEngine, GatewayPair } from "pulumi-openclaw";

// On another machine: new DockerEngine("engine", { host: "ssh://claw@203.0.113.7", hostKey: "ssh-ed25519 …" })
const engine = new DockerEngine("engine");
const pair = new GatewayPair("claw", {
  target: engine,
  version: "2026.9.6",
  main: { basePort: 18789 }, // its only port on the engine's machine, on loopback
  rescue: { basePort: 19789 },
});

export const urls = [pair.main.url, pair.rescue.url];
/** OpenClaw's CLI for main: docker exec PROJECT-STACK-claw-main openclaw … */
export const main = pair.main.wrapper;
