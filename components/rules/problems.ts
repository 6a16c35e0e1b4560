/** Problems: what is wrong with a program, where, and what to do about it. */
import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import * as z from "zod";
import { defined } from "../../model/defined";
import { plainLine } from "../../model/plain";
import { withAdvice } from "../../model/failure";

/** One thing that is wrong with the program, as its author should read it. */
export interface Problem {
  /** Where: the gateway's place in the program and the property's path, e.g. `claw.rescue.basePort`. */
  readonly path: string;
  /** What is wrong. */
  readonly reason: string;
  /** What to do next, where what is wrong does not say it already. */
  readonly advice?: string;
}

/** All problems as one message, each with path, reason and advice. `found`: when they were found. */
export function formatProblems(problems: readonly Problem[], found = "found before anything was changed"): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const items = problems.map(({ path, reason, advice }) =>
    withAdvice(`  ${plainLine(path)}: ${plainLine(reason)}`, advice === undefined ? undefined : plainLine(advice)),
  );
  return `OpenClaw: ${count} ${found}.\n\n${items.join("\n\n")}\n`;
}

/** A zod error as problems, with a suggestion for each misspelt key. The values of secrets are never shown. */
export function problemsOf(error: z.ZodError, schema: z.ZodType, label: string, input: unknown): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = [label, ...issue.path.map(String)].filter((part) => part !== "").join(".");
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(schema, issue.path);
      return issue.keys.map((key) => ({
        path: path === "" ? key : `${path}.${key}`,
        reason: "is not a known argument",
        advice: suggestion(key, known),
      }));
    }
    if (issue.code === "invalid_key") {
      const [why = issue] = issue.issues;
      return [{ path, reason: why.message, advice: adviceOf(why) ?? "rename or remove it" }];
    }
    const value = valueAlong(input, issue.path);
    const shown = isShowable(value, issue.path) ? `; it is ${JSON.stringify(value)}` : "";
    const advice = adviceOf(issue) ?? byExample(issue, schema);
    const late = isLate(value) ? ", known in preview: it cannot come from another resource" : "";
    return [defined({ path, reason: `${reasonOf(issue)}${late}${shown}`, advice })];
  });
}

/** What a schema of ours says besides what is wrong. */
const adviceOf = (issue: z.core.$ZodIssue): string | undefined =>
  issue.code === "custom" ? (issue.params?.advice as string | undefined) : undefined;

const isLate = (value: unknown): boolean => pulumi.Output.isInstance(value) || value instanceof Promise;

/** How a list or an object is written, where its schema says so. */
function byExample(issue: z.core.$ZodIssue, schema: z.ZodType): string | undefined {
  if (issue.code !== "invalid_type" || !["array", "object", "record"].includes(issue.expected)) return undefined;
  const example = exampleOf(nodeAt(schema, issue.path));
  const key = issue.path.at(-1);
  return example === undefined ? undefined : `write it like ${typeof key === "string" ? `${key}: ` : ""}${example}`;
}

function exampleOf(node: unknown): string | undefined {
  if (!(node instanceof z.ZodType)) return undefined;
  return (
    (node.meta()?.example as string | undefined) ??
    (node instanceof z.ZodOptional ? exampleOf(node.unwrap()) : undefined)
  );
}

/** What messages call values, by zod's names for their types. */
const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** zod's own messages, reworded to match the others. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.code === "invalid_type") return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value")
    return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  return issue.message;
}

const suggestion = (key: string, known: readonly string[]): string =>
  didYouMean(key, known) ?? (known.length ? `use one of: ${known.join(", ")}` : "remove it");

/** A name that somebody may have meant, as a question; undefined if none is near. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const same = known.find((each) => lettersOf(each) === lettersOf(name));
  const nearest = same ?? (known.length ? closest(name, known) : undefined);
  return nearest !== undefined && isNear(name, nearest) ? `did you mean ${nearest}?` : undefined;
}

const isNear = (name: string, other: string): boolean =>
  distance(name.toLowerCase(), other.toLowerCase()) <= Math.max(1, name.length / 3) ||
  lettersOf(name) === lettersOf(other);

/** Two of them swapped are the commonest mistake. */
const lettersOf = (name: string): string => [...name.toLowerCase()].sort().join("");

/** Whether it may be one of these, misspelt. */
export const isLike = (name: string, known: readonly string[]): boolean => known.some((each) => isNear(name, each));

/** The keys that a strict object schema knows at a path. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(nodeAt(schema, path));
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The schema of what is at a path. */
const nodeAt = (schema: z.ZodType, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((node, key) => {
    const inner = unwrap(node);
    if (inner instanceof z.ZodObject) return inner.shape[String(key)];
    if (inner instanceof z.ZodRecord) return inner.valueType;
    if (inner instanceof z.ZodArray) return inner.element;
    return undefined;
  }, schema);

const unwrap = (node: unknown): unknown => {
  if (node instanceof z.ZodOptional) return unwrap(node.unwrap());
  return node instanceof z.ZodPipe ? unwrap(node.in) : node;
};

/** The value at a path of any tree. */
export const valueAlong = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined | null)?.[key], value);

/** Arguments whose values may be shown. Any other could contain a secret that was put in the wrong place. */
const HARMLESS = [
  "version",
  "profile",
  "stateDir",
  "workspace",
  "configPath",
  "root",
  "binDir",
  "account",
  "dmPolicy",
  "source",
  "target",
];

/** Whose values are secret, whatever their type. */
const SECRET = ["env", "secrets", "botToken", "config"];

export function isShowable(value: unknown, path: readonly PropertyKey[]): boolean {
  if (SECRET.some((key) => path.includes(key))) return false;
  if (typeof value === "number" || typeof value === "boolean") return true;
  return typeof value === "string" && value.length <= 80 && HARMLESS.includes(String(path.at(-1)));
}
