/** The rescue gateway's bots: who may talk to them. Pure. */
import { channelNames, channelsOf } from "../../model/channels";
import { isObject, objectAt } from "../../model/json";
import type { Json, JsonObject } from "../../model/spec";
import { BOT_KEYS } from "./config/bots";
import { commandOwners } from "./config/render";
import { letsTailnetIn } from "./expose";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";
import { isUserId, type CheckedGatewayArgs } from "./schemas";

const REASON = "the rescue bot can repair the main gateway, so only named operators may talk to it";

/** Of Telegram, whose bot has an argument: ways to reach the agent other than direct messages to it. */
const OTHER_WAYS_IN = ["accounts", "groups", "groupPolicy", "groupAllowFrom", "direct"];

/** Settings that let anyone other than named operators talk to the gateway. */
export function checkOperatorOnly(
  { label }: Pick<ResolvedGateway, "label">,
  { telegram, config = {}, expose }: Pick<CheckedGatewayArgs, "telegram" | "config" | "expose">,
): Problem[] {
  const path = `${label}.config.channels`;
  const problems = [
    ...channelsOf(config).flatMap(([channel, settings]) =>
      channel === "telegram" ? telegramProblems(settings, path) : channelProblems(settings, `${path}.${channel}`),
    ),
    ...(expose?.tailscale && letsTailnetIn(config) ? [tailnetProblem(label)] : []),
  ];
  if (!telegram) return problems;
  const isOpen = !telegram.allowFrom?.length || !telegram.allowFrom.every(isUserId);
  if (!isOpen && (telegram.dmPolicy ?? "allowlist") === "allowlist") return problems;
  return [
    ...problems,
    {
      path: `${label}.telegram.${isOpen ? "allowFrom" : "dmPolicy"}`,
      reason: REASON,
      advice: 'list the Telegram user ids of the operators, e.g. allowFrom: ["4242"], and remove dmPolicy',
    },
  ];
}

const tailnetProblem = (label: string): Problem => ({
  path: `${label}.config.gateway.auth.allowTailscale`,
  reason: "lets every program on this machine pose as an operator of rescue, main's bot included",
  advice: "remove it, so that rescue wants its token on the tailnet, too",
});

const telegramProblems = (settings: JsonObject, path: string): Problem[] =>
  Object.keys(settings)
    .filter((key) => OTHER_WAYS_IN.includes(key))
    .map((key) => ({
      path: `${path}.telegram.${key}`,
      reason: REASON,
      advice: "remove it: operators send direct messages to the rescue bot",
    }));

/** Keys that say which groups, servers or rooms are listened to. Source: OpenClaw 2026.9.6, its channels' schemas. */
const PLACES = ["groups", "guilds", "channels", "rooms", "teams", "spaces", "groupAllowFrom"];

/** Of any other channel and of its accounts: direct messages from a list of people, and nothing else. */
function channelProblems(channel: JsonObject, path: string): Problem[] {
  const accounts = Object.entries(objectAt(channel, "accounts")).filter((entry): entry is [string, JsonObject] =>
    isObject(entry[1]),
  );
  // A bot of the channel itself is there beside those of its accounts.
  const isAccount = !accounts.length || BOT_KEYS.some((key) => key in channel);
  const all: [at: string, settings: JsonObject][] = [
    ...(isAccount ? [[path, channel] as [string, JsonObject]] : []),
    ...accounts.map(([name, account]): [string, JsonObject] => [
      `${path}.accounts.${name}`,
      { ...channel, ...account },
    ]),
  ];
  return all.flatMap(([at, settings]) => {
    const wrong = [
      ...(isListOfPeople(settings.allowFrom) ? [] : ["allowFrom"]),
      ...(settings.dmPolicy === "allowlist" ? [] : ["dmPolicy"]),
      ...(settings.groupPolicy === "disabled" ? [] : ["groupPolicy"]),
      ...PLACES.filter((key) => key in settings),
    ];
    const [key] = wrong;
    return key === undefined
      ? []
      : [
          {
            path: `${at}.${key}`,
            reason: REASON,
            advice:
              'admit direct messages of operators by their ids, and nothing else: dmPolicy: "allowlist", ' +
              'allowFrom: ["ID"], groupPolicy: "disabled"',
          },
        ];
  });
}

/** Without a wildcard, or a group of people that changes elsewhere. */
const isListOfPeople = (value: Json | undefined): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((person) => typeof person === "string" && !/[*]|^accessGroup:|^\s*$/.test(person));

/**
 * Bots whose commands nobody owns, in words: OpenClaw makes the first paired sender an owner by writing its configuration,
 * which it cannot do here. Source: measured, 2026.9.6.
 */
export function ownerless(
  { label }: Pick<ResolvedGateway, "label">,
  args: Pick<CheckedGatewayArgs, "telegram" | "config">,
): string[] {
  const { telegram, config = {} } = args;
  const owners = commandOwners(args).map(String);
  const isOfTelegram = (owner: string): boolean => /^(telegram|tg):/i.test(owner);
  const others = channelNames(config).filter((channel) => channel !== "telegram");
  const isOn = telegram && telegram.dmPolicy !== "disabled";
  // An owner without a channel's name in front is one on each.
  const noneOnTelegram = isOn && !owners.some((owner) => isOfTelegram(owner) || !owner.includes(":"));
  const noneElsewhere = others.length > 0 && owners.every(isOfTelegram);
  const whose = telegram?.allowFrom?.length
    ? "its allowFrom names no person"
    : "it has no allowFrom, so whoever writes is asked to pair";
  return [
    ...(noneOnTelegram
      ? [
          `${label}.telegram: ${whose}, and nobody owns the bot's commands: pairing makes nobody an owner here. ` +
            'To own them: telegram.allowFrom: ["4242"], with your own id',
        ]
      : []),
    ...(noneElsewhere
      ? [
          `${label}.config.channels: nobody owns the commands of ${others.join(" and ")}. ` +
            `To own them: config.commands.ownerAllowFrom: ["${others[0]}:ID"]`,
        ]
      : []),
  ];
}
