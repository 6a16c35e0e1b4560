/** A pair on one engine. */
import { DockerEngine, GatewayPair } from "pulumi-openclaw";

const { TEST_ENGINE, TEST_CONFIG = "{}" } = process.env;
const { engine: engineArgs, ...pairArgs } = JSON.parse(TEST_CONFIG) as {
  engine?: object;
  main?: object;
  rescue?: object;
};
const engine = new DockerEngine("engine", {
  host: TEST_ENGINE!,
  repository: "test.invalid/openclaw",
  pull: "never",
  ...engineArgs,
});
const pair = new GatewayPair("claw", {
  target: engine,
  version: "2026.9.6",
  main: { basePort: 25990, ...pairArgs.main },
  rescue: { basePort: 25995, ...pairArgs.rescue },
});
export const mainUrl = pair.main.url;
export const rescueUrl = pair.rescue.url;
export const mainToken = pair.main.token;
export const rescueToken = pair.rescue.token;
