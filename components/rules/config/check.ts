/** Everything that is wrong with a program's `config`, before anything is touched. Pure. */
import { valueAt } from "../../../model/json";
import type { JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";
import type { CheckedGatewayArgs } from "../schemas";
import { decidedOtherwise } from "./owned";
import { unknownVariables } from "./references";
import { commandOwners } from "./render";
import { sandboxesInContainer } from "./sandbox";
import { IN_PLAIN_TEXT, plainSecrets } from "./secrets";

interface ToCheck {
  readonly config: JsonObject;
  /** What the component sets; empty if the other arguments do not say enough. */
  readonly ours: JsonObject;
  readonly telegram: CheckedGatewayArgs["telegram"] | undefined;
  /** Names of the arguments of that name. */
  readonly env: readonly string[];
  readonly secrets: readonly string[];
  /** Of the argument. */
  readonly path: string;
  readonly isContainer: boolean;
}

export function checkConfig({ config, ours, telegram, env, secrets, path, isContainer }: ToCheck): Problem[] {
  const owned = decidedOtherwise(config, ours, { path, isContainer });
  const isOwned = (at: string): boolean =>
    owned.some((problem) => at === problem.path || at.startsWith(`${problem.path}.`));
  return [
    ...owned,
    ...[...plainSecrets(config, env, path), ...unknownVariables(config, [...env, ...secrets], path)].filter(
      (problem) => !isOwned(problem.path),
    ),
    ...uninvitedOwners(config, telegram, path),
    ...(isContainer ? sandboxesInContainer(config, env, path) : []),
  ];
}

/** A secret at a key that OpenClaw does not know is only that; one that the component decides is known to nobody else. */
export function eachPlaceOnce(ours: readonly Problem[], ofSchema: readonly Problem[]): Problem[] {
  const isIn = (problems: readonly Problem[], { path }: Problem): boolean =>
    problems.some((other) => path === other.path || path.startsWith(`${other.path}.`));
  const kept = ours.filter((problem) => problem.reason !== IN_PLAIN_TEXT || !isIn(ofSchema, problem));
  return [...kept, ...ofSchema.filter((problem) => !isIn(kept, problem))];
}

/** An owner whom the bot does not answer. */
function uninvitedOwners(config: JsonObject, telegram: CheckedGatewayArgs["telegram"], path: string): Problem[] {
  const named = valueAt(config, "commands.ownerAllowFrom");
  if (!telegram || !Array.isArray(named)) return [];
  const invited = commandOwners({ telegram });
  return named.flatMap((owner, index) => {
    const id = /^(telegram|tg):(.*)$/i.exec(typeof owner === "string" ? owner : "")?.[2]?.trim();
    return id === undefined || invited.includes(`telegram:${id}`)
      ? []
      : [
          {
            path: `${path}.commands.ownerAllowFrom.${index}`,
            reason: "names a Telegram user who may not talk to the bot",
            advice: "add the id to telegram.allowFrom, whose ids are owners anyway, or remove it here",
          },
        ];
  });
}
