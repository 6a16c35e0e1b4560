/** Two gateways whose bot tokens come from resources, and turn out to be one. */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

const bot = (name: string): pulumi.Output<string> =>
  new pulumi.Stash(name, { input: pulumi.secret("4711:canary-shared-bot") }).output as pulumi.Output<string>;
new GatewayPair("claw", {
  target: new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" }),
  // Not to be had: main's deployment, which goes on beside, ends at once.
  version: "2026.9.999",
  main: { basePort: 26000, telegram: { botToken: bot("one") } },
  rescue: { basePort: 26111, telegram: { botToken: bot("two"), allowFrom: ["1"] } },
});
