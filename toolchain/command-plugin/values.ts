/** Pulumi's property values: read from the wire, compared, written back. */
import { ListValue, NullValue, Struct, Value as WireValue } from "google-protobuf/google/protobuf/struct_pb";

/** A secret or an unknown is a mark on a value, at any depth. What is unknown has null as its content. */
export interface Value {
  readonly content: Content;
  readonly secret?: boolean;
  readonly unknown?: boolean;
}

export type Properties = ReadonlyMap<string, Value>;
export type Content = null | boolean | number | string | readonly Value[] | Properties | Special;

// The protocol's magic strings. An object that has the first as a key is not an object.
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWNS = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // list
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
]);

/** How the official plugin names them. */
export const ASSET = "asset.Asset";
export const ARCHIVE = "archive.Archive";

const known = (content: Content): Value => ({ content });
const empties = (...names: string[]): [string, Value][] => names.map((name) => [name, known("")]);

/**
 * Assets, archives and references to resources, as in `triggers` and `source`. The official plugin passes them on with
 * all fields spelled out, and a reference as an empty object.
 */
const SPECIALS: ReadonlyMap<string, { goType: string; defaults?: readonly [string, Value][] }> = new Map([
  ["c44067f5952c0a294b673a41bacd8c17", { goType: ASSET, defaults: empties("hash", "path", "text", "uri") }],
  [
    "0def7320c3a5731c473e5ecbe6d01bc7",
    { goType: ARCHIVE, defaults: [...empties("hash", "path", "uri"), ["assets", known(new Map())]] },
  ],
  ["5cf8f73096256a8f31e491e813e4eb8e", { goType: "resource.ResourceReference" }],
]);

export class Special {
  constructor(
    readonly goType: string,
    readonly properties: Properties,
  ) {}
}

export function readProperties(struct: Struct | undefined): Properties {
  const read = new Map<string, Value>();
  struct?.getFieldsMap().forEach((wire, key) => {
    const value = readValue(key, wire);
    if (value.content !== null || value.unknown) read.set(key, value);
  });
  return read;
}

function readValue(key: string, wire: WireValue): Value {
  switch (wire.getKindCase()) {
    case WireValue.KindCase.BOOL_VALUE:
      return known(wire.getBoolValue());
    case WireValue.KindCase.NUMBER_VALUE:
      return known(wire.getNumberValue());
    case WireValue.KindCase.STRING_VALUE: {
      const text = wire.getStringValue();
      return UNKNOWNS.has(text) ? { content: null, unknown: true } : known(text);
    }
    case WireValue.KindCase.LIST_VALUE:
      return known(
        wire
          .getListValue()!
          .getValuesList()
          .map((element) => readValue(key, element)),
      );
    case WireValue.KindCase.STRUCT_VALUE:
      return readObject(key, readProperties(wire.getStructValue()));
    default:
      return known(null);
  }
}

function readObject(key: string, object: Properties): Value {
  if (!object.has(SIGNATURE)) return known(object);
  const { content } = object.get(SIGNATURE)!;
  const signature = typeof content === "string" ? content : "";
  const inner = object.get("value");
  if (signature === SECRET) {
    if (!inner) throw new Error(`malformed RPC secret: missing value for "${key}"`);
    return { ...inner, secret: true };
  }
  if (signature === OUTPUT) {
    const value = inner ?? { content: null, unknown: true };
    return object.get("secret")?.content === true ? { ...value, secret: true } : value;
  }
  const special = SPECIALS.get(signature);
  if (!special) throw new Error(`unrecognized signature '${signature}' in property map for "${key}"`);
  return known(new Special(special.goType, special.defaults ? new Map([...special.defaults, ...object]) : new Map()));
}

export function writeProperties(properties: Properties): Struct {
  const struct = new Struct();
  for (const [key, value] of properties) {
    if (value.content !== null || value.unknown) struct.getFieldsMap().set(key, writeValue(value));
  }
  return struct;
}

function writeValue({ content, secret, unknown }: Value): WireValue {
  if (unknown) {
    if (!secret) return new WireValue().setStringValue(UNKNOWN_STRING);
    return writeContent(
      new Map([
        [SIGNATURE, known(OUTPUT)],
        ["secret", known(true)],
      ]),
    );
  }
  return writeContent(
    secret
      ? new Map([
          [SIGNATURE, known(SECRET)],
          ["value", known(content)],
        ])
      : content,
  );
}

function writeContent(content: Content): WireValue {
  const wire = new WireValue();
  if (content === null) return wire.setNullValue(NullValue.NULL_VALUE);
  if (typeof content === "boolean") return wire.setBoolValue(content);
  if (typeof content === "number") return wire.setNumberValue(content);
  if (typeof content === "string") return wire.setStringValue(content);
  if (content instanceof Special) return wire.setStructValue(writeProperties(content.properties));
  if (isList(content)) return wire.setListValue(new ListValue().setValuesList(content.map(writeValue)));
  return wire.setStructValue(writeProperties(content));
}

export const isList = (content: Content): content is readonly Value[] => Array.isArray(content);
export const isObject = (content: Content): content is Properties => content instanceof Map;

export function equal(a: Value, b: Value): boolean {
  if (!a.secret !== !b.secret || !a.unknown !== !b.unknown) return false;
  return equalContent(a.content, b.content);
}

function equalContent(a: Content, b: Content): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((element, i) => equal(element, b[i]!));
  if (isObject(a) && isObject(b))
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equal(value, b.get(key)!));
  // The engine has put a hash on every asset; two with the same hash are the same.
  if (a instanceof Special && b instanceof Special) {
    return a.goType === b.goType && a.properties.get("hash")?.content === b.properties.get("hash")?.content;
  }
  return a === b;
}

export function holdsSpecial({ content }: Value): boolean {
  if (isList(content)) return content.some(holdsSpecial);
  if (isObject(content)) return [...content.values()].some(holdsSpecial);
  return content instanceof Special;
}
