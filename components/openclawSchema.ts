/** OpenClaw's schemas of its configuration, of the versions that this package knows. */
import { existsSync, readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import type { Schema } from "./rules/config/schema";
import { packageFile } from "./targets/bootstrap";

const known = new Map<string, Schema | undefined>();

/** Undefined of a version that was published after this package: OpenClaw itself checks it then, on the host. */
export function schemaOf(version: string): Schema | undefined {
  if (!known.has(version)) known.set(version, read(packageFile("schemas", `openclaw-${version}.schema`)));
  return known.get(version);
}

function read(file: string): Schema | undefined {
  if (!existsSync(file)) return undefined;
  const packed = Buffer.from(readFileSync(file, "utf8"), "base64");
  return JSON.parse(brotliDecompressSync(packed).toString()) as Schema;
}
