/** A third gateway beside a pair. Add any number, each with its own profile and its own block of 111 ports. */
import { Gateway, GatewayPair, LocalHost } from "pulumi-openclaw";

const target = new LocalHost("here");
const version = "2026.9.6";

const pair = new GatewayPair("claw", { target, version, main: { basePort: 18789 }, rescue: { basePort: 19789 } });

const ops = new Gateway("ops", {
  target,
  version,
  profile: "ops", // state in ~/.openclaw-ops, command openclaw-ops
  basePort: 20789, // and 20790 … 20899
});

export const urls = [pair.main.url, pair.rescue.url, ops.url];
export const opsPorts = ops.ports;
