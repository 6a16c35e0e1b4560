/** What a program has given, of whatever type: JavaScript lets it give anything. */
import * as pulumi from "@pulumi/pulumi";
import type * as z from "zod";
import { currentProgram } from "./preflight";
import { problemsOf, type Problem } from "./rules/problems";
import { isOfThisCopy, looksLikeTarget, type Target } from "./targets/target";

const isLate = (value: unknown): boolean => pulumi.Output.isInstance(value) || value instanceof Promise;

/** Whether it can be an object of arguments, and is not a value of something else. */
export const isArguments = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !isLate(value) &&
  !pulumi.Resource.isInstance(value);

/** `example`: of such arguments. */
export const notArguments = (path: string, value: unknown, example: string): Problem => ({
  path,
  reason: `must have an object of arguments${isLate(value) ? ", not a promise or an Output of one" : ""}`,
  advice: `${isLate(value) ? "await it, or write the object itself" : "write one"}, e.g. ${example}`,
});

export const GATEWAY_EXAMPLE = '{ target: new LocalHost("here"), version: "2026.9.6" }';

/** Why a value is no target of ours; undefined if it is one. */
export function notTarget(path: string, value: unknown): Problem | undefined {
  if (isOfThisCopy(value)) return undefined;
  if (looksLikeTarget(value))
    return {
      path,
      reason: "is a target from another copy of pulumi-openclaw, whose gateways would not be compared with these",
      advice: "have one copy only: `npm ls pulumi-openclaw` shows them, `npm dedupe` often suffices",
    };
  const what = isLate(value) ? "must be a target, not a promise or an Output of one" : "must be a target";
  return {
    path,
    reason: value === undefined ? "is required" : what,
    advice: 'use one, e.g. new LocalHost("here")',
  };
}

interface Given<Schema extends z.ZodType> {
  readonly target: Target;
  readonly name: string;
  readonly args: unknown;
  readonly schema: Schema;
  readonly example: string;
  /** Puts advice to a problem. */
  readonly advised?: (problem: Problem) => Problem;
}

/** A target's arguments; undefined if they are refused, and then nothing is looked at where the target would be. */
export function targetArguments<Schema extends z.ZodType>({
  target,
  name,
  args,
  schema,
  example,
  advised = (problem) => problem,
}: Given<Schema>): z.output<Schema> | undefined {
  const program = currentProgram();
  const parsed = isArguments(args) ? schema.safeParse(args) : undefined;
  if (parsed?.success) return parsed.data;
  program.report(
    parsed ? problemsOf(parsed.error, schema, name, args).map(advised) : [notArguments(name, args, example)],
  );
  program.leaveAlone(target);
  return undefined;
}
