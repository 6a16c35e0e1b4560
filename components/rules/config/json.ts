/** What of a program's `config` can stand in openclaw.json. Pure. */
import * as pulumi from "@pulumi/pulumi";
import type { Json } from "../../../model/spec";

/** What a program may write: an `undefined` is left out, as it is of other arguments. */
export type ConfigValue =
  string | number | boolean | null | undefined | readonly ConfigValue[] | { readonly [key: string]: ConfigValue };

export interface ConfigMistake {
  readonly path: readonly (string | number)[];
  readonly reason: string;
  readonly advice?: string;
}

/** Everything in a value that JSON cannot hold, or that OpenClaw would not read as it is meant. */
export function configMistakes(value: unknown, path: readonly (string | number)[] = []): ConfigMistake[] {
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return [];
  if (typeof value === "number") return numberMistakes(value, path);
  if (Array.isArray(value)) return value.flatMap((item, index) => configMistakes(item, [...path, index]));
  if (pulumi.Output.isInstance(value) || value instanceof Promise)
    return [
      {
        path,
        reason: "must be known in preview, and so cannot come from another resource",
        advice: "put the value into `env`, whether it is a secret or not, and write ${NAME} here",
      },
    ];
  if (!isPlainObject(value))
    return [{ path, reason: "must be plain JSON: a string, a number, true, false, null, a list or an object" }];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$include"
      ? [
          {
            path: [...path, key],
            reason: "would be looked for beside the configuration, where the component puts no other file",
            advice: "read the file in the program, and spread its content here",
          },
        ]
      : configMistakes(inner, [...path, key]),
  );
}

/** Ids of Discord and others have more digits than a number keeps: another person's would be meant. */
function numberMistakes(value: number, path: ConfigMistake["path"]): ConfigMistake[] {
  if (!Number.isFinite(value)) return [{ path, reason: "must be a finite number" }];
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return [];
  return [
    {
      path,
      reason: "has more digits than a number keeps, so it may not be what was written",
      advice: "write it as a string; in stack config: pulumi config set --path --type string KEY VALUE",
    },
  ];
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The part of a value that JSON can hold: without what is `undefined`, or refused. */
export function plainPart(value: unknown): Json | undefined {
  if (Array.isArray(value)) return value.map(plainPart).filter((item) => item !== undefined);
  if (isPlainObject(value))
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, plainPart(inner)] as const)
        .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined),
    );
  const isPlain = value === null || ["string", "number", "boolean"].includes(typeof value);
  return isPlain ? (value as Json) : undefined;
}
