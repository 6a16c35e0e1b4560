/** A main and a rescue OpenClaw Gateway on this machine. More: the other examples of pulumi-openclaw. */
import { GatewayPair, LocalHost } from "pulumi-openclaw";

const pair = new GatewayPair("claw", {
  target: new LocalHost("here"),
  version: "2026.9.6",
  main: { basePort: 18789 },
  rescue: { basePort: 19789 },
});

export const urls = { main: pair.main.url, rescue: pair.rescue.url };
export const mainToken = pair.main.token;
export const rescueToken = pair.rescue.token;
