/** The deployer's program as it is, but for its patience: for rows that wait until it has none left. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { deployerBundle, withValues } from "../../toolchain/build";
import type { TestStack } from "../support/engine";

const PATIENCE: Record<keyof typeof import("../../deployer/patience"), unknown> = {
  HEALTH_MS: 180_000,
  ANSWER_MS: 2_000,
  POLL_MS: 200,
  PARTNER: { graceMs: 3_000, pollMs: 500 },
  CHANNELS: { patienceMs: 1_000, pollMs: 200 },
};

let bundle: Promise<string> | undefined;

/** Puts it into a stack's own library. Commands find the program in a cache: that is the stack's own then, too. */
export async function makeImpatient(stack: TestStack): Promise<void> {
  const program = join(stack.project, "dist", "deployer.cjs");
  const contents = await (bundle ??= bundled());
  rmSync(program); // a link to the one that is shipped
  writeFileSync(program, contents);
  stack.env.XDG_CACHE_HOME = join(stack.directory, "cache");
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    ...deployerBundle("deployer/main.ts"),
    write: false,
    plugins: [withValues("deployer/patience.ts", PATIENCE)],
  });
  return outputFiles[0]!.text;
}
