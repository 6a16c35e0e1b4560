/**
 * The page's default path: a main bot is already running on this machine, set up by hand; this adds the rescue. Main is
 * found in `~/.openclaw`, checked against, and never changed. If it is elsewhere: `existingMain: { stateDir: "…" }`.
 *
 *   pulumi config set --secret rescueBotToken    # a second bot, from @BotFather; never main's
 */
import * as pulumi from "@pulumi/pulumi";
import { LocalHost, RescueGateway } from "pulumi-openclaw";

const rescue = new RescueGateway("rescue", {
  target: new LocalHost("here"),
  version: "2026.9.6",
  basePort: 19789,
  telegram: { botToken: new pulumi.Config().requireSecret("rescueBotToken"), allowFrom: ["4242"] },
});

export const url = rescue.url;
export const whenMainIsInTrouble = rescue.existingMain; // its command, its directories, how to restart it
