/** What a resource type's properties are: one table for refusing wrong types and for the schema. */
import { isList, isObject, Special, type Content, type Properties, type Value } from "./values";

export interface FieldType {
  /** As Go's reflection names it: part of the official plugin's messages. */
  readonly goName: string;
  /** What values of this type are named when they have just been read. */
  readonly wireNames: readonly string[];
  readonly zero: Content;
  /** Absent where elements may be anything. */
  readonly element?: FieldType | undefined;
  /** The fields of an object that is not a map. */
  readonly fields?: Fields;
  readonly required?: readonly string[];
  /** Taken for granted where an object of fields lacks it. */
  readonly standard?: Content;
  /** Check makes it secret if it is not. */
  readonly secret?: boolean;
  readonly isInteger?: boolean;
  readonly replaceOnChanges?: boolean;
  readonly schema: object;
}

export type Fields = Readonly<Record<string, FieldType>>;

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

const WIRE_LIST = "[]interface {}";
const WIRE_OBJECT = "map[string]interface {}";

export const STRING: FieldType = { goName: "string", wireNames: ["string"], zero: "", schema: { type: "string" } };
export const BOOLEAN: FieldType = { goName: "bool", wireNames: ["bool"], zero: false, schema: { type: "boolean" } };
export const NUMBER: FieldType = {
  goName: "float64",
  wireNames: ["float64"],
  zero: 0,
  schema: { type: "number" },
};
export const INTEGER: FieldType = { ...NUMBER, goName: "int", isInteger: true, schema: { type: "integer" } };
export const STRINGS: FieldType = {
  goName: "[]string",
  wireNames: [WIRE_LIST],
  zero: [],
  element: STRING,
  schema: { type: "array", items: STRING.schema },
};
export const STRING_MAP: FieldType = {
  goName: "map[string]string",
  wireNames: [WIRE_OBJECT],
  zero: new Map(),
  element: STRING,
  schema: { type: "object", additionalProperties: STRING.schema },
};
export const TRIGGERS: FieldType = {
  goName: WIRE_LIST,
  wireNames: [WIRE_LIST],
  zero: [],
  replaceOnChanges: true,
  schema: { type: "array", items: { $ref: "pulumi.json#/Any" }, replaceOnChanges: true },
};

/** What does not fit the table, in the official plugin's words. `owner` is the Go type that it decodes into. */
export function mistakes(
  properties: Properties,
  fields: Fields,
  required: readonly string[],
  owner: string,
): Failure[] {
  const known = Object.entries(fields).flatMap(([name, type]): Failure[] => {
    const value = properties.get(name);
    if (value) return mistake(value, type, name, owner);
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

function mistake(value: Value, type: FieldType, property: string, owner: string): Failure[] {
  if (value.unknown) return [];
  const actual = wireName(value.content);
  const failure = (reason: string): Failure[] => [{ property, reason }];
  const decoding = `An error occurred decoding '${owner.split(".")[1]}.${property}': `;
  if (actual === WIRE_OBJECT && type.fields) {
    const inner = mistakes(value.content as Properties, type.fields, type.required ?? [], type.goName);
    return inner.length ? failure(decoding + failuresText(inner)) : [];
  }
  if (type.wireNames.includes(actual))
    return type.element ? elementMistakes(value.content, type.element, property, owner) : [];
  return failure(
    actual === WIRE_OBJECT
      ? `${decoding}Cannot decode Object{} to type ${type.goName}; it isn't a struct, and no custom decoder exists`
      : `Field '${property}' on '${owner}' must be a '${type.goName}'; got '${actual}' instead`,
  );
}

/** Several failures as one text. */
export function failuresText(failures: readonly Failure[]): string {
  const lines = failures.map(({ property, reason }) => `\n\t${property}: ${reason}`);
  return `${failures.length} failures decoding:${lines.join("")}`;
}

/** The first element that does not fit, as the official plugin stops there. */
function elementMistakes(content: Content, type: FieldType, property: string, owner: string): Failure[] {
  const elements = isList(content)
    ? content.map((element, i): [string, Value] => [`${property}[${i}]`, element])
    : [...(content as Properties)].map(([key, element]): [string, Value] => [`${property}[${key}] value`, element]);
  return elements.flatMap(([path, element]) => mistake(element, type, path, owner)).slice(0, 1);
}

function wireName(content: Content): string {
  if (content === null) return "null";
  if (content instanceof Special) return content.goType;
  if (isList(content)) return WIRE_LIST;
  if (isObject(content)) return WIRE_OBJECT;
  return { boolean: "bool", number: "float64", string: "string" }[typeof content as "boolean" | "number" | "string"];
}
