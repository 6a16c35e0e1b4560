/**
 * Main and rescue both on named profiles, e.g. to keep the default profile free for `openclaw` typed by hand.
 * State in ~/.openclaw-main and ~/.openclaw-rescue, commands openclaw-main and openclaw-rescue.
 */
import { GatewayPair, LocalHost } from "pulumi-openclaw";

const pair = new GatewayPair("claw", {
  target: new LocalHost("here"),
  version: "2026.9.6",
  main: { profile: "main", basePort: 18789 },
  rescue: { profile: "rescue", basePort: 19789 },
});

export const services = [pair.main.serviceName, pair.rescue.serviceName];
export const stateDirs = [pair.main.stateDir, pair.rescue.stateDir];
