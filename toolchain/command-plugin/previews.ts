/** How unknown and secret values go through check and preview: as in the official plugin, surprises included. */
import type { Fields, FieldType } from "./fields";
import { equal, holdsSpecial, isList, isObject, type Content, type Properties, type Value } from "./values";

/**
 * The inputs as check hands them back. What is unknown stays so, but a list of strings that is unknown as a whole
 * vanishes, and a secret that is unknown becomes known and empty: so it shows as a change in a preview.
 */
export function settled(inputs: Properties, fields: Fields): Properties {
  const kept = [...inputs].filter(
    ([name, value]) => !(value.unknown && fields[name]?.element && isList(fields[name].zero)),
  );
  return new Map(kept.map(([name, value]) => [name, settledValue(value, fields[name])]));
}

function settledValue(value: Value, type: FieldType | undefined): Value {
  if (!type) return value;
  const secret = type.secret ? { secret: true } : {};
  if (value.unknown)
    return value.secret ? settledValue({ content: type.zero, secret: true }, type) : { ...value, ...secret };
  return { ...value, ...secret, content: settledContent(value.content, type) };
}

function settledContent(content: Content, { fields, element, isInteger }: FieldType): Content {
  if (isList(content)) return content.map((one) => settledValue(one, element));
  if (isObject(content) && fields) return settledObject(content, fields);
  if (isObject(content)) return new Map([...content].map(([key, one]) => [key, settledValue(one, element)]));
  return isInteger ? Math.trunc(content as number) : content;
}

/** With what is taken for granted. */
function settledObject(object: Properties, fields: Fields): Properties {
  const standards = Object.entries(fields).flatMap(([name, { standard }]): [string, Value][] =>
    standard === undefined || object.has(name) ? [] : [[name, { content: standard }]],
  );
  return new Map([
    ...[...object].map(([name, one]): [string, Value] => [name, settledValue(one, fields[name])]),
    ...standards,
  ]);
}

/**
 * Whether an update would change outputs, so that these are unknown in its preview. Only a former input that changed and
 * an unknown one count: an input that is new and known does not, and the preview shows the old outputs.
 */
export function isStale(fields: Fields, inputs: Properties, state: Properties): boolean {
  return Object.keys(fields).some((name) => {
    const input = inputs.get(name);
    const old = state.get(name);
    return input?.unknown || (old && !(input && equal(input, old)));
  });
}

/** The outputs of a preview: inputs as they are, but for those with an asset in them, the rest unknown. */
export function withUnknowns(inputs: Properties, outputs: readonly string[]): Properties {
  const unknown: Value = { content: null, unknown: true };
  return new Map([
    ...[...inputs].map(([name, value]): [string, Value] => [
      name,
      holdsSpecial(value) ? { ...value, ...unknown } : value,
    ]),
    ...outputs.map((name): [string, Value] => [name, unknown]),
  ]);
}
