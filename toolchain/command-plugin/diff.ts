/** The detailed diff of two property maps, as the official plugin computes it. */
import { equal, isList, type Properties, type Value } from "./values";

export interface PropertyChange extends PathChange {
  readonly property: string;
}

interface PathChange {
  /** Such as `stdin` or `triggers[0]`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
}

export function diffProperties(olds: Properties, news: Properties): PropertyChange[] {
  return [...new Set([...olds.keys(), ...news.keys()])].flatMap((property) =>
    diffEntries(olds.get(property), news.get(property), property).map((change) => ({ ...change, property })),
  );
}

/** A secret that is not known yet counts as unchanged, and as absent where there was none before. */
function diffEntries(old: Value | undefined, value: Value | undefined, path: string): PathChange[] {
  if (value?.secret && value.unknown) return [];
  return diffValues(old, value, path);
}

function diffValues(old: Value | undefined, value: Value | undefined, path: string): PathChange[] {
  if (!old || !value) return old || value ? [{ path, kind: value ? "add" : "delete" }] : [];
  const { content: before } = old;
  const { content: after } = value;
  if (!old.secret && !value.secret && isList(before) && isList(after)) {
    const longer = before.length > after.length ? before : after;
    return longer.flatMap((_, i) => diffValues(before[i], after[i], `${path}[${i}]`));
  }
  return equal(old, value) ? [] : [{ path, kind: "update" }];
}
