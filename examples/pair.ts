/**
 * A main and a rescue gateway on this machine, each with its own Telegram bot.
 *
 *   pulumi config set --secret mainBotToken      # prompts for it; get it from @BotFather
 *   pulumi config set --secret rescueBotToken    # a second bot
 */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

const config = new pulumi.Config();
const operators = ["4242"]; // your Telegram user id

const pair = new GatewayPair("claw", {
  target: new LocalHost("here"),
  version: "2026.9.6",
  main: { basePort: 18789, telegram: { botToken: config.requireSecret("mainBotToken"), allowFrom: operators } },
  rescue: { basePort: 19789, telegram: { botToken: config.requireSecret("rescueBotToken"), allowFrom: operators } },
});

export const urls = { main: pair.main.url, rescue: pair.rescue.url };
export const mainToken = pair.main.token; // a secret: pulumi stack output mainToken --show-secrets
export const rescueToken = pair.rescue.token;
