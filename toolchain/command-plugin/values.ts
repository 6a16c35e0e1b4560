/** Pulumi's property values: read from the wire, compared, written back. */
import { ListValue, NullValue, Struct, Value as WireValue } from "google-protobuf/google/protobuf/struct_pb";
import { notHere } from "./official";

/** A secret or an unknown is a mark on a value, at any depth. What is unknown has null as its content. */
export interface Value {
  readonly content: Content;
  readonly secret?: boolean;
  readonly unknown?: boolean;
}

export type Properties = ReadonlyMap<string, Value>;
export type Content = null | boolean | number | string | readonly Value[] | Properties;

// The protocol's magic strings. An object that has the first as a key is not an object.
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const known = (content: Content): Value => ({ content });

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
      return text === UNKNOWN ? { content: null, unknown: true } : known(text);
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
  throw new Error(notHere(`no assets, archives or references to resources, as in ${key}`));
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
    if (!secret) return new WireValue().setStringValue(UNKNOWN);
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
  if (isList(content)) return wire.setListValue(new ListValue().setValuesList(content.map(writeValue)));
  return wire.setStructValue(writeProperties(content));
}

export const isList = (content: Content): content is readonly Value[] => Array.isArray(content);
export const isProperties = (content: Content): content is Properties => content instanceof Map;

export function equal(a: Value, b: Value): boolean {
  if (!a.secret !== !b.secret || !a.unknown !== !b.unknown) return false;
  return equalContent(a.content, b.content);
}

function equalContent(a: Content, b: Content): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((element, i) => equal(element, b[i]!));
  if (isProperties(a) && isProperties(b))
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equal(value, b.get(key)!));
  return a === b;
}
