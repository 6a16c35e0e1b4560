/** The stack's configuration file: the engine tells programs which keys have secrets in them, but not where. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type * as yaml from "yaml";

/** Paths of the project's keys that were set with --secret, e.g. `main.config.hooks.token`; none without such a file. */
export function secretPaths(project: string): string[] {
  const file = join(pulumi.getRootDirectory(), `Pulumi.${pulumi.getStack()}.yaml`);
  if (!existsSync(file)) return [];
  const { config } = (parse(readFileSync(file, "utf8")) ?? {}) as { config?: Record<string, unknown> };
  const prefix = `${project}:`;
  return Object.entries(config ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([key, value]) => secureIn(value, [key.slice(prefix.length)]));
}

function secureIn(value: unknown, path: readonly string[]): string[] {
  if (typeof value !== "object" || value === null) return [];
  const entries = Object.entries(value);
  if (entries.length === 1 && typeof (value as { secure?: unknown }).secure === "string") return [path.join(".")];
  return entries.flatMap(([key, inner]) => secureIn(inner, [...path, key]));
}

/** Loaded where there is such a file only. */
function parse(text: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { parse } = require("yaml") as typeof yaml;
  return parse(text);
}
