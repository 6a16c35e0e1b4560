/** What a resource type's properties are: a table that tells what does not fit it. */
import { notHere } from "./official";
import { isList, isProperties, type Content, type Properties, type Value } from "./values";

export interface FieldType {
  /** As Go's reflection names it: part of the official plugin's messages. */
  readonly goName: string;
  /** What values of this type are named when they have just been read. */
  readonly wireName: string;
  readonly zero: Content;
  /** The only values that the stand-in understands; undefined where it need not be given. */
  readonly here?: readonly (string | boolean | undefined)[];
  /** The fields of an object. */
  readonly fields?: Fields;
  readonly required?: readonly string[];
  /** Taken for granted where an object lacks it. */
  readonly standard?: Content;
  /** Check makes it secret if it is not. */
  readonly secret?: boolean;
  readonly replaceOnChanges?: boolean;
}

export type Fields = Readonly<Record<string, FieldType>>;

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

const WIRE_LIST = "[]interface {}";
export const WIRE_OBJECT = "map[string]interface {}";

export const STRING: FieldType = { goName: "string", wireName: "string", zero: "" };
export const BOOLEAN: FieldType = { goName: "bool", wireName: "bool", zero: false };
export const NUMBER: FieldType = { goName: "float64", wireName: "float64", zero: 0 };
export const INTEGER: FieldType = { ...NUMBER, goName: "int" };
export const TRIGGERS: FieldType = { goName: WIRE_LIST, wireName: WIRE_LIST, zero: [], replaceOnChanges: true };
/** An input that only the official plugin has. */
export const ELSEWHERE: FieldType = { ...STRING, here: [undefined] };

/** What does not fit the table, in the official plugin's words. `owner` is the Go type that it decodes into. */
export function checkFailures(
  properties: Properties,
  fields: Fields,
  required: readonly string[],
  owner: string,
): CheckFailure[] {
  const known = Object.entries(fields).flatMap(([name, type]): CheckFailure[] => {
    const value = properties.get(name);
    if (type.here && !type.here.some((one) => one === value?.content)) return [absence(name, type.here)];
    if (value) return checkFailuresOf(value, type, name, owner);
    return required.includes(name)
      ? [{ property: name, reason: `Missing required field '${name}' on '${owner}'` }]
      : [];
  });
  const unrecognized = [...properties.keys()].filter((name) => !Object.hasOwn(fields, name));
  return [
    ...known,
    ...unrecognized.map((property) => ({ property, reason: `Unrecognized field '${property}' on '${owner}'` })),
  ];
}

function absence(property: string, here: NonNullable<FieldType["here"]>): CheckFailure {
  const values = here.filter((value) => value !== undefined);
  return { property, reason: notHere(values.length ? `${property} only as ${values.join()}` : `no ${property}`) };
}

function checkFailuresOf(value: Value, type: FieldType, property: string, owner: string): CheckFailure[] {
  if (value.unknown) return [];
  const actual = wireName(value.content);
  if (actual !== type.wireName)
    return [
      { property, reason: `Field '${property}' on '${owner}' must be a '${type.goName}'; got '${actual}' instead` },
    ];
  const inner = type.fields
    ? checkFailures(value.content as Properties, type.fields, type.required ?? [], type.goName)
    : [];
  const decoding = `An error occurred decoding '${owner.split(".")[1]}.${property}': `;
  return inner.length ? [{ property, reason: decoding + checkFailuresText(inner) }] : [];
}

/** Several failures as one text. */
export function checkFailuresText(failures: readonly CheckFailure[]): string {
  const lines = failures.map(({ property, reason }) => `\n\t${property}: ${reason}`);
  return `${failures.length} failures decoding:${lines.join("")}`;
}

function wireName(content: Content): string {
  if (content === null) return "null";
  if (isList(content)) return WIRE_LIST;
  if (isProperties(content)) return WIRE_OBJECT;
  return { boolean: "bool", number: "float64", string: "string" }[typeof content as "boolean" | "number" | "string"];
}
