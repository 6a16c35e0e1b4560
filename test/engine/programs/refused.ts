/** As much wrong as one program can have, spread over compositions. */
import * as pulumi from "@pulumi/pulumi";
import { Gateway, GatewayPair, LocalHost, RescueGateway } from "pulumi-openclaw";

const target = new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" });
const stateDir = `${process.env.TEST_ROOT!}/state`;
const bot = "4711:canary-shared-bot";
const misspelt = { forse: true } as object;
const pair = new GatewayPair("claw", {
  target,
  version: "latest",
  main: { basePort: 26000, stateDir, telegram: { botToken: pulumi.secret(bot) } },
  rescue: {
    basePort: 26020,
    stateDir: `${stateDir}/inside`,
    telegram: { botToken: bot, allowFrom: ["1"] },
    ...misspelt,
  },
});
new Gateway("ops", {
  target,
  version: "2026.8.1",
  profile: "default",
  basePort: 80,
  config: { gateway: { port: 1 } },
});
new Gateway("crossed", {
  target,
  version: "2026.9.6",
  profile: "crossed",
  basePort: 27000,
  browser: { cdpUrl: "http://127.0.0.1:26011", profiles: { work: { cdpPort: 26012 } } },
  maxOldSpaceSize: 2 ** 30,
});
new RescueGateway("open", {
  target,
  version: "2026.9.6",
  profile: "open",
  basePort: 28000,
  telegram: { botToken: "other:bot" },
});

// A program may go on with what was refused.
export const url = pair.main.url.apply((text) => text.length);
