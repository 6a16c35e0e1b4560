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
