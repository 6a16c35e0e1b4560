/** A configuration against OpenClaw's own schema of it, in words. Pure. */
import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import { isObject } from "../../../model/json";
import { BUILT_IN, OFFICIAL, OTHERS } from "../../../model/plugins";
import type { Json, JsonObject } from "../../../model/spec";
import { didYouMean, valueAlong, type Problem } from "../problems";
import { beyondSchema } from "./beyondSchema";
import { formerAdvice } from "./formerKeys";
import { hasReference } from "./references";

export type { Schema };

/** What OpenClaw of this version would refuse. `path`: of the configuration. */
export const schemaProblems = (config: JsonObject, schema: Schema, version: string, path: string): Problem[] => [
  ...problemsIn(config, { schema, version, path, above: [] }),
  ...beyondSchema(config, path),
];

interface Part {
  readonly schema: Schema;
  readonly version: string;
  readonly path: string;
  /** Keys that lead to it. */
  readonly above: readonly string[];
}

function problemsIn(config: Json, { schema, version, path, above }: Part): Problem[] {
  const { errors } = new Validator(relevant(schema, config), "7", false).validate(config);
  const real = failures(errors).filter(({ location, about }) => {
    const keys = keysAt(location);
    const value = valueAlong(config, keys);
    // OpenClaw puts the variable's value there before it looks.
    if (typeof value === "string" && hasReference(value)) return false;
    // The validator also calls a key unknown that is known, and wrong.
    return about[0]?.keyword !== "false" || !knownKeys(schema, keys).includes(keys.at(-1) ?? "");
  });
  const found = new Map<string, Problem>();
  for (const { location, about } of joined(real)) {
    const keys = keysAt(location);
    const value = valueAlong(config, keys) as Json | undefined;
    const where = [path, ...keys].join(".");
    const node = nodeAt(schema, keys);
    const meant = node && CHOICES.includes(about[0]?.keyword ?? "") ? meantBy(value, node) : undefined;
    const inside = meant ? problemsIn(value!, { schema: meant, version, path: where, above: [...above, ...keys] }) : [];
    for (const problem of inside) found.set(problem.path, problem);
    if (!inside.length)
      found.set(where, { path: where, ...inWords(about, value, node, { keys, schema, version, above }) });
  }
  return [...found.values()];
}

const keysAt = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));

/** What an object misses is one mistake, and a key that it has instead is the same. */
function joined(all: readonly SchemaFailure[]): SchemaFailure[] {
  const missing = all.filter(({ about }) => about[0]?.keyword === "required");
  const isInstead = ({ location, about }: SchemaFailure, of: string): boolean =>
    about[0]?.keyword === "false" && location.slice(0, location.lastIndexOf("/")) === of;
  return all
    .filter((each) => !missing.some(({ location }) => isInstead(each, location)))
    .map((each) =>
      missing.includes(each)
        ? {
            location: each.location,
            about: all
              .filter(
                (other) =>
                  (missing.includes(other) ? other.location : undefined) === each.location ||
                  isInstead(other, each.location),
              )
              .flatMap(({ about }) => about),
          }
        : each,
    );
}

/** The one of several forms that an object is meant to have. */
function meantBy(value: Json | undefined, node: Schema): Schema | undefined {
  if (!isObject(value)) return undefined;
  const leaves = (each: Schema): Schema[] => (choicesOf(each).length ? choicesOf(each).flatMap(leaves) : [each]);
  const objects = leaves(node).filter(({ type }) => type === "object");
  const isLike = ({ properties = {}, required = [] }: Schema): boolean =>
    Object.entries(properties as Record<string, Schema>).every(
      ([key, { const: constant }]) =>
        constant === undefined || constant === value[key] || !(key in value || required.includes(key)),
    );
  const [one, ...more] = objects.length > 1 ? objects.filter(isLike) : objects;
  return more.length ? undefined : one;
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
  /** Keys above the schema. */
  readonly above: readonly string[];
}

type Words = Pick<Problem, "reason" | "advice">;

function inWords(about: readonly OutputUnit[], value: Json | undefined, node: Schema | undefined, place: Place): Words {
  const [{ keyword, error, keywordLocation } = { keyword: "", error: "", keywordLocation: "" }] = about;
  const forms = node && IN_FORMS.includes(keyword) ? formsOf(node) : [];
  if (keyword === "false") return unknownKey(value, place);
  if (keyword === "required") return missingKeys(about, node, place);
  if (keywordLocation.includes("/propertyNames")) return wrongName(place);
  if (forms.length)
    return { reason: `must be ${forms.join(" or ")}`, ...(asString(value, forms) ?? byExample(node!, place)) };
  return { reason: `is refused by OpenClaw ${place.version}: ${error.charAt(0).toLowerCase()}${error.slice(1)}` };
}

function missingKeys(about: readonly OutputUnit[], node: Schema | undefined, { keys, schema, version }: Place): Words {
  const names = about.flatMap(({ error, keyword }) =>
    keyword === "required" ? [/"([^"]+)"/.exec(error)?.[1] ?? "a key"] : [],
  );
  const others = about.flatMap(({ instanceLocation, keyword }) =>
    keyword === "false" ? [keysAt(instanceLocation).at(-1) ?? ""] : [],
  );
  const [key = "", ...more] = names;
  const instead = others.length ? `, and ${others.join(" and ")} is not a key of OpenClaw ${version}` : "";
  const inner = nodeAt(schema, [...keys, key]);
  const forms = inner ? formsOf(inner) : [];
  return {
    reason: `misses ${names.join(" and ")}${instead}`,
    advice:
      node && (more.length || others.length || key === "provider")
        ? `write it like ${exampleOf(node) ?? names.join(", ")}`
        : `add ${key}${forms.length ? `: ${forms.join(" or ")}` : ""}`,
  };
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
const asString = (value: Json | undefined, forms: readonly string[]): { advice: string } | undefined =>
  typeof value === "number" && forms.includes("a string")
    ? { advice: "write it in quotes; in stack config: pulumi config set --path --type string KEY VALUE" }
    : undefined;

/** How a list or an object is written, which its name does not say. */
function byExample(node: Schema, { keys, above }: Place): { advice?: string } {
  const shown = exampleOf(node);
  const key = [...above, ...keys].at(-1) ?? "";
  return shown === undefined ? {} : { advice: `write it like ${/^\d+$/.test(key) ? "" : `${key}: `}${shown}` };
}

/** The least that a list or an object may be; undefined for what is said in words. */
function exampleOf(node: Schema): string | undefined {
  const [first] = choicesOf(node).flatMap((each) => exampleOf(each) ?? []);
  if (first !== undefined) return first;
  const { items, required = [], properties = {}, additionalProperties: others } = node;
  if (node.type === "array") return isSchema(items) ? `[${valueFor(items)}]` : undefined;
  if (node.type !== "object") return undefined;
  const all = properties as Record<string, Schema>;
  const names = required.length ? required : Object.keys(all).slice(0, 1);
  if (names.length) return `{ ${names.map((name) => `${name}: ${valueOf(name, all)}`).join(", ")} }`;
  return isSchema(others) ? `{ NAME: ${valueFor(others)} }` : undefined;
}

/** Everybody has the provider `default`, of references. */
const valueOf = (name: string, all: Readonly<Record<string, Schema>>): string =>
  name === "provider" && "source" in all ? '"default"' : valueFor(all[name] ?? {});

function valueFor(node: Schema): string {
  const known = (node.const ?? (node.enum as unknown[] | undefined)?.[0]) as Json | undefined;
  if (known !== undefined) return JSON.stringify(known);
  const [type] = node.type === undefined ? [] : [node.type].flat();
  const bound = node.minimum ?? 1;
  const plain: Readonly<Record<string, string>> = { string: '"…"', boolean: "true" };
  if (type === "number" || type === "integer") return String(Math.max(bound, 1));
  return plain[type as string] ?? exampleOf(node) ?? choicesOf(node).map(valueFor)[0] ?? "…";
}

/** How many known keys are worth naming. */
const MOST_KEYS = 12;

function unknownKey(value: Json | undefined, { keys, schema, version, above }: Place): Words {
  const key = keys.at(-1) ?? "";
  const known = knownKeys(schema, keys);
  const list =
    known.length && known.length <= MOST_KEYS
      ? `use one of: ${known.join(", ")}`
      : "remove it; `openclaw config schema` prints every key";
  const advice = formerAdvice([...above, ...keys], value) ?? misplaced(keys, known) ?? didYouMean(key, known) ?? list;
  return { reason: `is not a key of OpenClaw ${version}`, advice };
}

/** Variables and channels that somebody has put one level too high. */
function misplaced([section = "", key]: readonly string[], known: readonly string[]): string | undefined {
  if (section === "env" && key !== undefined && known.includes("vars"))
    return `use the argument env for it, or, where it is no secret, env.vars.${key}`;
  if (section === "gateway" && (key === "token" || key === "password"))
    return "remove it: clients authenticate with the token that the component generates (output `token`)";
  const isChannel = key === undefined && [...BUILT_IN, ...OFFICIAL, ...Object.keys(OTHERS)].includes(section);
  return isChannel ? `did you mean channels.${section}?` : undefined;
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
