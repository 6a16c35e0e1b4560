import { describe, expect, it } from "vitest";
import { channelAccountName, channelsOf, readChannels } from "../../model/channels";
import type { JsonObject } from "../../model/spec";

/** Of the one account that OpenClaw tells of. The fields are those of 2026.9.6. */
const stateOf = (account: JsonObject) =>
  readChannels({ channelAccounts: { telegram: [{ accountId: "default", enabled: true, ...account }] } }, [])[0]?.state;

describe("a channel's account, from what OpenClaw says of it", () => {
  const well = { configured: true, running: true, connected: true, lastError: null, probe: { ok: true, status: null } };

  it.each<[string, JsonObject]>([
    ["with everything in order", well],
    ["of a channel that has no connection of its own, as webhooks have none", { configured: true, running: true }],
    ["that has an old error, and is connected again", { ...well, lastError: "getUpdates conflict" }],
  ])("a channel's account is connected %s", (_, account) => {
    expect(stateOf(account)).toEqual({ is: "connected" });
  });

  it("a channel's account is connecting until something has come in", () => {
    expect(stateOf({ ...well, connected: false })).toEqual({ is: "connecting" });
  });

  it.each<[string, JsonObject, RegExp, string]>([
    [
      "whose token is refused",
      { ...well, probe: { ok: false, status: 401, error: "Unauthorized" } },
      /^401 Unauthorized$/,
      "refused",
    ],
    [
      "whose service is out",
      { ...well, probe: { ok: false, status: null, error: "fetch failed" } },
      /^fetch failed$/,
      "outage",
    ],
    ["whose service gives no reason", { ...well, probe: { ok: false } }, /does not answer/, "outage"],
    ["with another poller", { ...well, connected: false, lastError: "getUpdates conflict" }, /conflict/, "other"],
    ["that does not run", { ...well, running: false, connected: false }, /does not run/, "other"],
    ["without credentials", { configured: false, running: false }, /credentials are missing/, "other"],
    ["without a linked device", { ...well, linked: false, connected: false }, /no device is linked/, "other"],
  ])("a channel's account fails where it is one %s", (_, account, reason, cause) => {
    expect(stateOf(account)).toEqual({ is: "failing", reason: expect.stringMatching(reason) as unknown, cause });
  });

  it("a disabled account of a channel is left out", () => {
    expect(stateOf({ ...well, enabled: false })).toBeUndefined();
  });
});

it("a configured channel that OpenClaw does not know is reported", () => {
  expect(readChannels({ channelAccounts: { telegram: [] } }, ["discrod"])).toMatchObject([
    { channel: "discrod", state: { is: "failing", reason: expect.stringMatching(/no plugin provides it/) as unknown } },
  ]);
});

it("a channel's account is named where there are several", () => {
  expect(channelAccountName({ channel: "discord", account: "work" })).toBe("discord (work)");
  expect(channelAccountName({ channel: "discord", account: "default" })).toBe("discord");
});

it("the channels that a configuration enables are found", () => {
  const config = { channels: { defaults: {}, modelByChannel: {}, slack: { enabled: false }, discord: { token: "x" } } };
  expect(channelsOf(config).map(([name]) => name)).toEqual(["discord"]);
});
