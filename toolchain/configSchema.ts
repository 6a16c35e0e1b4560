/**
 * What this package keeps of the JSON schema of OpenClaw's configuration, to check `config` in a preview:
 * `openclaw config schema | node -r ts-node/register/transpile-only toolchain/configSchema.ts >schemas/openclaw-VERSION.schema`
 */
import { brotliCompressSync } from "node:zlib";
import { text } from "node:stream/consumers";

type Schema = { [key: string]: unknown };

/** For people, of which there are two megabytes. */
const NOT_CHECKED = ["title", "description", "default", "$schema"];

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without what is not checked. OpenClaw demands some keys that it fills in itself: those have a default. */
function reduced(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((item) => reduced(item));
  if (!isSchema(value)) return value;
  const { properties, required } = value;
  const demanded = Array.isArray(required)
    ? required.filter((key: string) => !(isSchema(properties) && "default" in (properties[key] as object)))
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
function withoutPlugins(schema: Schema): Schema {
  const plugins = (schema.properties as Schema).plugins as { properties: { entries: Schema } };
  const { properties: _, ...entries } = plugins.properties.entries;
  plugins.properties.entries = entries;
  return schema;
}

export const reduceSchema = (printed: string): Schema => withoutPlugins(reduced(JSON.parse(printed)) as Schema);

const pack = (schema: Schema): string => brotliCompressSync(JSON.stringify(schema)).toString("base64");

if (require.main === module)
  void text(process.stdin).then((printed) => void process.stdout.write(`${pack(reduceSchema(printed))}\n`));
