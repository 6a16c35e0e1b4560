/** A configuration against OpenClaw's own schema of it, in words. Pure. */
import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import { isObject } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import { didYouMean, valueAlong, type Problem } from "../problems";
import { beyondSchema } from "./beyondSchema";
import { formerAdvice } from "./formerKeys";
import { hasReference } from "./references";

export type { Schema };

/** What OpenClaw of this version would refuse. `path`: of the configuration. */
export function schemaProblems(config: JsonObject, schema: Schema, version: string, path: string): Problem[] {
  const { errors } = new Validator(relevant(schema, config), "7", false).validate(config);
  const at = (pointer: string): string[] =>
    pointer
      .split("/")
      .slice(1)
      .map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = new Map<string, Problem>();
  for (const { location, about } of failures(errors)) {
    const keys = at(location);
    const value = valueAlong(config, keys) as Json | undefined;
    // OpenClaw puts the variable's value there before it looks.
    if (typeof value === "string" && hasReference(value)) continue;
    // The validator also calls a key unknown that is known, and wrong.
    if (about[0]?.keyword === "false" && knownKeys(schema, keys).includes(keys.at(-1) ?? "")) continue;
    const where = [path, ...keys].join(".");
    found.set(where, { path: where, ...inWords(about, value, nodeAt(schema, keys), { keys, schema, version }) });
  }
  return [...found.values(), ...beyondSchema(config, path)];
}

/** The part of a schema that a value can meet: the whole one is half a megabyte. */
function relevant(schema: Schema, value: Json | undefined): Schema {
  if (!isObject(value) || !schema.properties) return schema;
  const names = Object.keys(schema.properties as object).filter((name) => name in value);
  const required = schema.required?.filter((name) => !(name in value)) ?? [];
  const kept = [...names, ...required].map((name) => [
    name,
    relevant((schema.properties as Record<string, Schema>)[name]!, value[name]),
  ]);
  return { ...schema, properties: Object.fromEntries(kept) as Record<string, Schema> };
}

interface SchemaFailure {
  readonly location: string;
  readonly about: readonly OutputUnit[];
}

/** Keywords of which something inside them says what is wrong. */
const AROUND = ["properties", "items", "additionalProperties", "allOf", "propertyNames", "$ref"];
const CHOICES = ["anyOf", "oneOf"];

/** What is wrong at which place: a choice as a whole, and everything else where it is. */
function failures(errors: readonly OutputUnit[]): SchemaFailure[] {
  const choices = errors
    .filter(({ keyword }) => CHOICES.includes(keyword))
    .map(({ instanceLocation }) => instanceLocation);
  const outermost = choices.filter((each) => !choices.some((other) => each.startsWith(`${other}/`)));
  const isInside = (location: string): boolean =>
    outermost.some((choice) => location === choice || location.startsWith(`${choice}/`));
  const plain = errors.filter(
    ({ keyword, instanceLocation }) => !AROUND.includes(keyword) && !isInside(instanceLocation),
  );
  return [
    ...[...new Set(outermost)].map((location) => ({
      location,
      about: errors.filter((each) => each.instanceLocation === location),
    })),
    ...plain.map((error) => ({ location: error.instanceLocation, about: [error] })),
  ];
}

interface Place {
  readonly keys: readonly string[];
  readonly schema: Schema;
  readonly version: string;
}

type Words = Pick<Problem, "reason" | "advice">;

function inWords(about: readonly OutputUnit[], value: Json | undefined, node: Schema | undefined, place: Place): Words {
  const [{ keyword, error, keywordLocation } = { keyword: "", error: "", keywordLocation: "" }] = about;
  const forms = node && IN_FORMS.includes(keyword) ? formsOf(node) : [];
  if (keyword === "false") return unknownKey(value, place);
  if (keyword === "required") return missingKey(/"([^"]+)"/.exec(error)?.[1] ?? "a key", place);
  if (keywordLocation.includes("/propertyNames")) return wrongName(place);
  if (forms.length) return { reason: `must be ${forms.join(" or ")}`, ...asString(value, forms) };
  return { reason: `is refused by OpenClaw ${place.version}: ${error.charAt(0).toLowerCase()}${error.slice(1)}` };
}

function missingKey(key: string, { keys, schema }: Place): Words {
  const node = nodeAt(schema, [...keys, key]);
  const forms = node ? formsOf(node) : [];
  return { reason: `misses ${key}`, advice: `add ${key}${forms.length ? `: ${forms.join(" or ")}` : ""}` };
}

function wrongName({ keys, schema }: Place): Words {
  const pattern = [keys.slice(0, -1), keys]
    .map((at) => nodeAt(schema, at)?.propertyNames)
    .flatMap((names) => (isSchema(names) && names.pattern !== undefined ? [names.pattern] : []))[0];
  const reason = "has a key of another form than OpenClaw takes";
  return pattern === undefined ? { reason } : { reason, advice: `use names like ${pattern}` };
}

/** Keywords that the forms of a value show. */
const IN_FORMS = [...CHOICES, "type", "const", "enum", "minimum", "exclusiveMinimum", "maximum", "pattern"];

/** Ids are strings, and stack config makes numbers of what looks like one. */
const asString = (value: Json | undefined, forms: readonly string[]): { advice?: string } =>
  typeof value === "number" && forms.includes("a string")
    ? { advice: "write it in quotes; in stack config: pulumi config set --path --type string KEY VALUE" }
    : {};

/** How many known keys are worth naming. */
const MOST_KEYS = 12;

function unknownKey(value: Json | undefined, { keys, schema, version }: Place): Words {
  const key = keys.at(-1) ?? "";
  const known = knownKeys(schema, keys);
  const list =
    known.length && known.length <= MOST_KEYS
      ? `use one of: ${known.join(", ")}`
      : "remove it; `openclaw config schema` prints every key";
  const advice = formerAdvice(keys, value) ?? didYouMean(key, known) ?? list;
  return { reason: `is not a key of OpenClaw ${version}`, advice };
}

/** The keys that may stand where a key is. */
const knownKeys = (schema: Schema, keys: readonly string[]): string[] =>
  Object.keys((nodeAt(schema, keys.slice(0, -1))?.properties as object | undefined) ?? {});

const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};

const choicesOf = ({ anyOf = [], oneOf = [] }: Schema): Schema[] => [...anyOf, ...oneOf];

/** What a schema takes, each in a few words; nothing where that would not say enough. */
function formsOf(node: Schema): string[] {
  const choices = choicesOf(node);
  if (choices.length) return [...new Set(choices.flatMap(formsOf))];
  if (node.const !== undefined) return [JSON.stringify(node.const)];
  if (node.enum) return node.enum.map((value) => JSON.stringify(value));
  const types = node.type === undefined ? [] : [node.type].flat();
  return types.map((type) => {
    const required = node.required ?? [];
    if (type === "object" && required.length) return `{ ${required.map((key) => shownKey(node, key)).join(", ")} }`;
    const { minimum, exclusiveMinimum, maximum, pattern } = node;
    const bounds = [
      ...(minimum === undefined ? [] : [`from ${minimum}`]),
      ...(exclusiveMinimum === undefined ? [] : [`more than ${exclusiveMinimum}`]),
      ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [`up to ${maximum}`]),
      ...(pattern === undefined ? [] : [`like ${pattern}`]),
    ];
    return [KINDS[type as string] ?? String(type), ...bounds].join(" ");
  });
}

const shownKey = (node: Schema, key: string): string => {
  const inner = (node.properties as Record<string, Schema> | undefined)?.[key];
  return inner?.const === undefined ? key : `${key}: ${JSON.stringify(inner.const)}`;
};

/** The schema of what is at a path; of the first choice that has it. */
function nodeAt(schema: Schema, keys: readonly string[]): Schema | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return schema;
  const properties = schema.properties as Record<string, Schema> | undefined;
  const { additionalProperties: others, items } = schema;
  const inner =
    properties?.[key] ?? (/^\d+$/.test(key) && isSchema(items) ? items : isSchema(others) ? others : undefined);
  if (inner) return nodeAt(inner, rest);
  for (const choice of choicesOf(schema)) {
    const found = nodeAt(choice, keys);
    if (found) return found;
  }
  return undefined;
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
