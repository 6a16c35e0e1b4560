/** How unknown and secret values go through check and preview: as in the official plugin, surprises included. */
import type { Fields, FieldType } from "./fields";
import { equal, isProperties, type Properties, type Value } from "./values";

/**
 * The inputs as check hands them back. What is unknown stays so, but a secret that is unknown becomes known and empty: so
 * it shows as a change in a preview.
 */
export const settled = (inputs: Properties, fields: Fields): Properties =>
  new Map([...inputs].map(([name, value]) => [name, settledValue(value, fields[name]!)]));

function settledValue(value: Value, type: FieldType): Value {
  if (value.unknown && value.secret) return settledValue({ content: type.zero, secret: true }, type);
  const { content } = value;
  return {
    ...value,
    ...(type.secret && { secret: true }),
    content: type.fields && isProperties(content) ? settledObject(content, type.fields) : content,
  };
}

/** With what is taken for granted. */
function settledObject(object: Properties, fields: Fields): Properties {
  const standards = Object.entries(fields).flatMap(([name, { standard }]): [string, Value][] =>
    standard === undefined || object.has(name) ? [] : [[name, { content: standard }]],
  );
  return new Map([...settled(object, fields), ...standards]);
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

/** The outputs of a preview: inputs as they are, the rest unknown. */
export function withUnknowns(inputs: Properties): Properties {
  const unknown: Value = { content: null, unknown: true };
  return new Map([...inputs, ["stdout", unknown], ["stderr", unknown]]);
}
