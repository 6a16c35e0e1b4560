/** The channels of a gateway: those that its configuration switches on, and how OpenClaw itself sees them. Pure. */
import { isObject, objectAt } from "./json";
import type { Json, JsonObject } from "./spec";

/** Keys below `channels` that are no channel. */
const NO_CHANNELS = ["defaults", "modelByChannel"];

/** The channels that a configuration switches on. */
export const channelsOf = (config: JsonObject): [name: string, settings: JsonObject][] =>
  Object.entries(objectAt(config, "channels")).flatMap(([name, settings]) =>
    NO_CHANNELS.includes(name) || !isObject(settings) || settings.enabled === false ? [] : [[name, settings]],
  );

export const channelNames = (config: JsonObject): string[] => channelsOf(config).map(([name]) => name);

/**
 * - `connected`: its service knows our credentials, and messages come in
 * - `connecting`: its service knows our credentials, nothing has failed, and nothing has come in yet. Telegram's first answer
 *   takes up to 30 s, if nobody writes (its long poll).
 * - `failing`: for a reason
 */
export type ChannelState =
  | { readonly is: "connected" | "connecting" }
  | { readonly is: "failing"; readonly reason: string; readonly cause: Cause };

/** `refused`: its service does not know our credentials, so that waiting would not help. `outage`: it cannot be reached. */
export type Cause = "refused" | "outage" | "other";

/** A bot, or another account, of a channel. */
export interface ChannelAccount {
  readonly channel: string;
  readonly account: string;
  readonly state: ChannelState;
}

export interface FailingAccount extends ChannelAccount {
  readonly state: Extract<ChannelState, { readonly is: "failing" }>;
}
export const isFailing = (account: ChannelAccount): account is FailingAccount => account.state.is === "failing";

/** The arguments of OpenClaw's command line that make it ask each channel's service. It takes 3 to 6 s (measured). */
export const ASK_CHANNELS = ["channels", "status", "--probe", "--json"] as const;

/**
 * Reads what they print. A channel of the `configured` ones that OpenClaw does not know is failing as well. Source: measured
 * on 2026.9.6; its /readyz is ready while Telegram has another poller, or Discord cannot be reached.
 */
export function readChannels(report: JsonObject, configured: readonly string[]): ChannelAccount[] {
  const known = Object.entries(objectAt(report, "channelAccounts")).flatMap(([channel, accounts]) =>
    (Array.isArray(accounts) ? accounts : [])
      .filter(isObject)
      .filter(({ enabled }) => enabled !== false)
      .map((account) => ({ channel, account: textOf(account.accountId) ?? "default", state: stateOf(account) })),
  );
  const unknown = configured.filter((channel) => !known.some((each) => each.channel === channel));
  return [...known, ...unknown.map(notThere)];
}

/** The same, of the channels that are configured alone. */
export const readConfigured = (report: JsonObject, configured: readonly string[]): ChannelAccount[] =>
  readChannels(report, configured).filter(({ channel }) => configured.includes(channel));

const notThere = (channel: string): ChannelAccount => ({
  channel,
  account: "default",
  state: { is: "failing", reason: "OpenClaw does not know this channel: no plugin provides it", cause: "other" },
});

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

/** HTTP status codes of a service that does not know us. */
const REFUSALS: readonly unknown[] = [401, 403, 404];

function stateOf(account: JsonObject): ChannelState {
  const { configured, linked, running, connected } = account;
  const probe = objectAt(account, "probe");
  const error = textOf(account.lastError);
  const isWell = configured !== false && linked !== false && running !== false && probe.ok !== false;
  if (isWell && connected !== false) return { is: "connected" };
  if (isWell && error === undefined) return { is: "connecting" };
  const status = typeof probe.status === "number" ? `${probe.status} ` : "";
  const words = [
    probe.ok === false && `${status}${textOf(probe.error) ?? "its service does not answer"}`,
    error,
    configured === false && "its credentials are missing",
    linked === false && "no device is linked",
    running === false && "it does not run",
  ];
  const reason = words.find((each) => typeof each === "string") || "it is not connected";
  return { is: "failing", reason, cause: causeOf(probe) };
}

function causeOf({ ok, status }: JsonObject): Cause {
  if (ok !== false) return "other";
  return REFUSALS.includes(status) ? "refused" : typeof status === "number" ? "other" : "outage";
}

/** `telegram`, or `discord (work)`. */
export const channelAccountName = ({ channel, account }: Omit<ChannelAccount, "state">): string =>
  account === "default" ? channel : `${channel} (${account})`;

export const complaintOf = (account: FailingAccount): string =>
  `channel ${channelAccountName(account)} does not work: ${account.state.reason}`;
