/** Looking into plain JSON. */
import type { Json, JsonObject } from "./spec";

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a dotted path, or `undefined`. */
export function valueAt(config: JsonObject, path: string): Json | undefined {
  return path.split(".").reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), config);
}

/** The object at a dotted path; an empty one where there is none. */
export function objectAt(config: JsonObject, path: string): JsonObject {
  const value = valueAt(config, path);
  return isObject(value) ? value : {};
}

/** One value in a tree of JSON. */
export interface Visited {
  readonly path: readonly string[];
  readonly value: Json;
  readonly parent: Json | undefined;
}

/** Every value in a tree, itself included, each before what is in it. */
export function walk(value: Json, path: readonly string[] = [], parent?: Json): Visited[] {
  const inside = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [{ path, value, parent }, ...inside.flatMap(([key, inner]) => walk(inner, [...path, key], value))];
}
