/** The bots that a configuration names: each must be one gateway's alone. Pure. */
import type * as pulumi from "@pulumi/pulumi";
import { channelsOf } from "../../../model/channels";
import { isObject, objectAt } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import { references } from "./references";

/** A bot of a gateway. */
export interface Bot {
  /** Where the program names its token. */
  readonly path: string;
  /** Of the channel: tokens of two channels are never one. */
  readonly channel: string;
  readonly token: pulumi.Input<string>;
}

/** Keys of a channel, or of one of its accounts, whose value is a bot. Source: OpenClaw 2026.9.6, its channels' schemas. */
export const BOT_KEYS: readonly string[] = [
  "token",
  "botToken",
  "appToken",
  "accessToken",
  "channelAccessToken",
  "appPassword",
  "botSecret",
  "privateKey",
];

/** The bots of channels other than Telegram's own argument. `path`: of the configuration. */
export function botsOf(config: JsonObject, env: Readonly<Record<string, pulumi.Input<string>>>, path: string): Bot[] {
  return channelsOf(config).flatMap(([channel, settings]) =>
    [
      { at: `channels.${channel}`, holder: settings },
      ...Object.entries(objectAt(settings, "accounts")).map(([name, holder]) => ({
        at: `channels.${channel}.accounts.${name}`,
        holder,
      })),
    ].flatMap(({ at, holder }) =>
      BOT_KEYS.flatMap((key): Bot[] => {
        const token = tokenIn(isObject(holder) ? holder[key] : undefined, env);
        return token === undefined ? [] : [{ path: `${path}.${at}.${key}`, channel, token }];
      }),
    ),
  );
}

/** What a reference stands for. */
function tokenIn(
  value: Json | undefined,
  env: Readonly<Record<string, pulumi.Input<string>>>,
): pulumi.Input<string> | undefined {
  const [reference] = value === undefined ? [] : references({ value });
  return reference && env[reference.name];
}
