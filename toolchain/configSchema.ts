/**
 * What this package keeps of the JSON schema of OpenClaw's configuration, to check `config` in a preview:
 * `openclaw config schema | node -r ts-node/register/transpile-only toolchain/configSchema.ts >schemas/openclaw-VERSION.schema`
 */
import { brotliCompressSync } from "node:zlib";
import { text } from "node:stream/consumers";
import { isObject } from "../model/json";
import type { Json, JsonObject } from "../model/spec";

/** For people, of which there are two megabytes. */
const NOT_CHECKED = ["title", "description", "default", "$schema"];

/** Without what is not checked. OpenClaw demands some keys that it fills in itself: those have a default. */
function reduced(value: Json, isNames = false): Json {
  if (Array.isArray(value)) return value.map((item) => reduced(item));
  if (!isObject(value)) return value;
  const { properties, required } = value;
  const demanded = Array.isArray(required)
    ? required.filter((key) => !(isObject(properties) && "default" in (properties[key as string] as JsonObject)))
    : [];
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isNames || !NOT_CHECKED.includes(key))
      .filter(([key]) => isNames || key !== "required" || demanded.length)
      .map(([key, inner]) => [
        key,
        !isNames && key === "required" ? demanded : reduced(inner, !isNames && ["properties", "$defs"].includes(key)),
      ]),
  );
}

/** Plugins have versions of their own, and check what is theirs. */
function withoutPlugins(schema: JsonObject): JsonObject {
  const plugins = (schema.properties as JsonObject).plugins as { properties: { entries: JsonObject } };
  const { properties: _, ...entries } = plugins.properties.entries;
  plugins.properties.entries = entries;
  return schema;
}

export const reduceSchema = (printed: string): JsonObject =>
  withoutPlugins(reduced(JSON.parse(printed) as Json) as JsonObject);

const packSchema = (schema: JsonObject): string => brotliCompressSync(JSON.stringify(schema)).toString("base64");

if (require.main === module)
  void text(process.stdin).then((printed) => void process.stdout.write(`${packSchema(reduceSchema(printed))}\n`));
