/**
 * The channels of a gateway that runs, as OpenClaw itself sees them. Its /readyz is ready although a channel is lost, has
 * another poller or has no plugin (measured, 2026.9.6), so each is asked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isReady } from "../inspect/health";
import {
  channelAccountName,
  ASK_CHANNELS,
  channelNames,
  isFailing,
  readConfigured,
  type ChannelAccount,
} from "../model/channels";
import { Failure } from "../model/failure";
import { objectAt } from "../model/json";
import type { JsonObject } from "../model/spec";
import { secretsOf, type Generation } from "./generation";
import { openclaw, readiness } from "./health";
import type { HostGateway } from "./host";
import { CHANNEL_PATIENCE_MS, CHANNEL_POLL_MS, CHANNEL_TIMEOUT_MS, HEALTH_POLL_MS } from "./limits";
import { redact } from "./secrets";

/** What a change answers for: an outage elsewhere undoes nothing. */
export interface Required {
  /** Channels whose configuration changes: each account must connect, unless its service is out. */
  readonly changed: ReadonlySet<string>;
  /** Names of accounts that were live before: they must not fail now. */
  readonly live: ReadonlySet<string>;
}

export const hasChannels = ({ spec }: Generation): boolean => channelNames(spec.config).length > 0;

/** `undefined`: OpenClaw did not say. */
async function askChannels(gateway: HostGateway, generation: Generation): Promise<ChannelAccount[] | undefined> {
  const { code, stdout } = await openclaw(gateway, generation, ...ASK_CHANNELS);
  if (code !== 0) return undefined;
  return readConfigured(JSON.parse(stdout) as JsonObject, channelNames(generation.spec.config));
}

/** Names of the accounts of a running generation that do not fail at this moment. */
export async function liveAccounts(gateway: HostGateway, generation: Generation): Promise<ReadonlySet<string>> {
  const accounts = hasChannels(generation) ? await askChannels(gateway, generation) : undefined;
  return new Set(accounts?.filter((each) => !isFailing(each)).map(channelAccountName));
}

/** What the change from `good` to `next` answers for. `live`: names of the accounts that are live before it. */
export function requiredChannels(
  gateway: HostGateway,
  { next, good }: { readonly next: Generation; readonly good: Generation | undefined },
  live: ReadonlySet<string>,
): Required {
  // A channel's configuration, with the secrets that it refers to.
  const channel = (generation: Generation, name: string): string => {
    const { spec } = generation;
    const channels = objectAt(spec.config, "channels");
    const text = JSON.stringify([channels[name], channels.defaults, objectAt(spec.config, "plugins.entries")[name]]);
    return JSON.stringify([
      text,
      Object.entries(secretsOf(gateway, generation)).filter(([each]) => text.includes(each)),
    ]);
  };
  const names = channelNames(next.spec.config);
  return { changed: new Set(names.filter((name) => !good || channel(next, name) !== channel(good, name))), live };
}

/** Waits until the channels that a change answers for are connected, and throws why not; `say` gets what the others are. */
export async function waitForChannels(
  gateway: HostGateway,
  generation: Generation,
  required: Required,
  say: (line: string) => void,
): Promise<void> {
  if (!hasChannels(generation)) return;
  const told = (all: readonly ChannelAccount[]): string => redact(accountsInWords(all), secretsOf(gateway, generation));
  const start = Date.now();
  while (!isReady(await readiness(generation)) && Date.now() < start + CHANNEL_PATIENCE_MS) await sleep(HEALTH_POLL_MS);
  for (;;) {
    const accounts = await askChannels(gateway, generation);
    const { refused, missing, others } = sortOut(accounts, required);
    if (refused.length) throw new Failure(`its credentials were rejected: ${told(refused)}`);
    const isEnough = accounts ? !missing.length : !required.changed.size && !required.live.size;
    if (isEnough) return others.forEach((each) => say(`channel ${told([each])}`));
    if (Date.now() > start + CHANNEL_TIMEOUT_MS) {
      const seconds = CHANNEL_TIMEOUT_MS / 1000;
      throw new Failure(`not connected within ${seconds} s: ${told(missing) || "OpenClaw does not tell its channels"}`);
    }
    await sleep(CHANNEL_POLL_MS);
  }
}

interface Sorted {
  readonly refused: readonly ChannelAccount[];
  readonly missing: readonly ChannelAccount[];
  /** Those that fail, and need not work. */
  readonly others: readonly ChannelAccount[];
}

function sortOut(accounts: readonly ChannelAccount[] = [], { changed, live }: Required): Sorted {
  const isMissing = ({ channel, account, state }: ChannelAccount): boolean => {
    const wasLive = live.has(channelAccountName({ channel, account }));
    if (state.is === "failing") return wasLive || (changed.has(channel) && state.cause !== "outage");
    return changed.has(channel) && state.is !== "connected";
  };
  const missing = accounts.filter(isMissing);
  return {
    missing,
    refused: missing.filter((each) => isFailing(each) && each.state.cause === "refused"),
    others: accounts.filter((each) => isFailing(each) && !missing.includes(each)),
  };
}

const accountsInWords = (accounts: readonly ChannelAccount[]): string =>
  accounts
    .map((each) => `${channelAccountName(each)}: ${isFailing(each) ? each.state.reason : "nothing has come in yet"}`)
    .join("; ");
