/** The detailed diff of two property maps, as the official plugin computes it. */
import { equal, isList, isObject, type Properties, type Value } from "./values";

export interface Change extends PathChange {
  readonly property: string;
}

interface PathChange {
  /** Such as `environment.PATH` or `triggers[0]`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
}

export function diffProperties(olds: Properties, news: Properties): Change[] {
  return keysOf(olds, news).flatMap((property) =>
    diffEntries(olds.get(property), news.get(property), toStep(property, "")).map((change) => ({
      ...change,
      property,
    })),
  );
}

const keysOf = (a: Properties, b: Properties): string[] => [...new Set([...a.keys(), ...b.keys()])];

/** A secret that is not known yet counts as unchanged, and as absent where there was none before. */
function diffEntries(old: Value | undefined, value: Value | undefined, path: string): PathChange[] {
  if (value?.secret && value.unknown) return [];
  if (old && value) return diffValues(old, value, path);
  return old || value ? [{ path, kind: value ? "add" : "delete" }] : [];
}

function diffValues(old: Value, value: Value, path: string): PathChange[] {
  const { content: before } = old;
  const { content: after } = value;
  const isPlain = !old.secret && !value.secret;
  if (isPlain && isList(before) && isList(after)) return diffLists(before, after, path);
  if (isPlain && isObject(before) && isObject(after)) {
    return keysOf(before, after).flatMap((key) =>
      diffEntries(before.get(key), after.get(key), path + toStep(key, ".")),
    );
  }
  if (equal(old, value)) return [];
  return [{ path, kind: isNull(old) ? "add" : isNull(value) ? "delete" : "update" }];
}

function diffLists(olds: readonly Value[], news: readonly Value[], path: string): PathChange[] {
  const longer = olds.length > news.length ? olds : news;
  return longer.flatMap((_, i): PathChange[] => {
    const at = `${path}[${i}]`;
    const old = olds[i];
    const value = news[i];
    return old && value ? diffValues(old, value, at) : [{ path: at, kind: value ? "add" : "delete" }];
  });
}

const isNull = (value: Value): boolean => value.content === null && !value.unknown;

function toStep(key: string, separator: "" | "."): string {
  return /^\w*$/.test(key) ? separator + key : `["${key.replaceAll('"', '\\"')}"]`;
}
