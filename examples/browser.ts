/**
 * Browsers: explicit Chrome DevTools (CDP) ports for main, a Chrome on another machine for rescue.
 *
 *   pulumi config set --secret chromeToken    # the remote Chrome's token
 */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

const config = new pulumi.Config();

const pair = new GatewayPair("claw", {
  target: new LocalHost("here"),
  version: "2026.9.6",
  main: {
    basePort: 18789,
    // Inside main's own CDP range, 18800 … 18899, so rescue can never take them.
    browser: { profiles: { work: { cdpPort: 18810 }, research: { cdpPort: 18811 } } },
  },
  rescue: {
    basePort: 19789,
    // The URL is stored in the stack's state, but its token is not: the gateway takes that from its environment.
    browser: { cdpUrl: "wss://chrome.example.org?token=${CHROME_TOKEN}" },
    env: { CHROME_TOKEN: config.requireSecret("chromeToken") },
  },
});

export const cdpRanges = { main: pair.main.ports.cdp, rescue: pair.rescue.ports.cdp };
