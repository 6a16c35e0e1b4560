/** Builds the stand-in, once for all files of the level. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildCommandPlugin } from "../../toolchain/command-plugin/build";

declare module "vitest" {
  export interface ProvidedContext {
    /** Path of the executable. */
    standIn: string;
  }
}

export function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), "command-plugin-"));
  project.provide("standIn", buildCommandPlugin(directory));
  return () => rmSync(directory, { recursive: true });
}
