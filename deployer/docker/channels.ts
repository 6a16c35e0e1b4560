/** The channels of a gateway in a container that has just become healthy. */
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import {
  ASK_CHANNELS,
  channelNames,
  complaintOf,
  isFailing,
  readConfigured,
  type ChannelAccount,
} from "../../model/channels";
import { CONTAINER_PATHS } from "../../model/containerLayout";
import type { JsonObject } from "../../model/spec";
import { say } from "../archives";
import { CHANNELS } from "../patience";
import { runIn } from "./runIn";

/**
 * Says which channels do not work, and why. They do not fail an `up`: the former container is gone, so that nobody would be
 * helped.
 */
export async function tellChannels(api: Docker, container: string): Promise<void> {
  const names = await configured(api, container);
  if (!names.length) return;
  for (const end = Date.now() + CHANNELS.patienceMs; ; await sleep(CHANNELS.pollMs)) {
    const failing = (await askChannels(api, container, names)).filter(isFailing);
    if (failing.length && Date.now() < end) continue;
    for (const each of failing) say(complaintOf(each));
    return;
  }
}

async function configured(api: Docker, container: string): Promise<string[]> {
  const config = await printed(api, container, `cat ${CONTAINER_PATHS.configFile}`);
  return config ? channelNames(config) : [];
}

/** Nothing, where OpenClaw does not say. */
async function askChannels(api: Docker, container: string, names: readonly string[]): Promise<ChannelAccount[]> {
  const report = await printed(api, container, `openclaw ${ASK_CHANNELS.join(" ")}`);
  return report ? readConfigured(report, names) : [];
}

/** What a command in it prints as JSON. */
async function printed(api: Docker, container: string, command: string): Promise<JsonObject | undefined> {
  const { said } = await runIn(api, container, ["sh", "-c", `${command} 2>/dev/null | cat`]);
  try {
    return JSON.parse(said) as JsonObject;
  } catch {
    return undefined;
  }
}
