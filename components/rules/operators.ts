/** The rescue gateway's bot: who may talk to it. Pure. */
import { isObject, objectAt } from "../../model/json";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";
import { isUserId, type CheckedGatewayArgs } from "./schemas";

/** Ways to reach the agent other than direct messages to its one bot. */
const OTHER_WAYS_IN = ["accounts", "groups", "groupPolicy", "groupAllowFrom", "direct"];

/** Settings that let anyone other than named operators talk to the gateway. */
export function checkOperatorOnly(
  { label }: Pick<ResolvedGateway, "label">,
  { telegram, config }: Pick<CheckedGatewayArgs, "telegram" | "config">,
): Problem[] {
  const reason = "the rescue bot can repair the main gateway, so only named operators may talk to it";
  const channels = Object.entries(objectAt(config ?? {}, "channels"));
  const opened = channels.flatMap(([channel, settings]) =>
    channel !== "telegram"
      ? [channel]
      : Object.keys(isObject(settings) ? settings : {})
          .filter((key) => OTHER_WAYS_IN.includes(key))
          .map((key) => `telegram.${key}`),
  );
  const problems = opened.map((key) => ({
    path: `${label}.config.channels.${key}`,
    reason,
    advice: "remove it: operators send direct messages to the rescue bot",
  }));
  if (!telegram) return problems;
  const isOpen = !telegram.allowFrom?.length || !telegram.allowFrom.every(isUserId);
  if (!isOpen && (telegram.dmPolicy ?? "allowlist") === "allowlist") return problems;
  return [
    ...problems,
    {
      path: `${label}.telegram.${isOpen ? "allowFrom" : "dmPolicy"}`,
      reason,
      advice: 'list the Telegram user ids of the operators, e.g. allowFrom: ["4242"], and remove dmPolicy',
    },
  ];
}
