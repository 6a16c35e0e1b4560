/** The host program as the tests run it: the shipped one, which waits less. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as limits from "../../host/limits";
import { bundleHost } from "../../toolchain/build";

/** A release with a boot of 0.15 s makes no use of more; the real one is waited for as long as ever. */
export const TEST_LIMITS = {
  EXIT_TIMEOUT_MS: 1_500,
  FIRST_BACKOFF_MS: 100,
  PARTNER_GRACE_MS: 2_000,
  RUNNING_PATIENCE_MS: 3_000,
  CHANNEL_PATIENCE_MS: 1_000,
  CHANNEL_TIMEOUT_MS: 5_000,
  CHANNEL_POLL_MS: 200,
  RELOAD_TIMEOUT_MS: 10_000,
  RELOAD_ASK_MS: 1_000,
  RELOAD_POLL_MS: 20,
  PARTNER_POLL_MS: 50,
  HEALTH_POLL_MS: 25,
  MUTEX_POLL_MS: 20,
  JOB_POLL_MS: 20,
  PROCESS_POLL_MS: 10,
} satisfies Partial<Record<keyof typeof limits, number>>;

const path = join(__dirname, "../../dist/host.test.cjs");

/** Once for each run: `dist/` is what the tests were started with. */
export async function writeTestProgram(): Promise<void> {
  const { outputFiles } = await bundleHost(TEST_LIMITS);
  writeFileSync(path, outputFiles[0]!.contents);
}

export const testProgram = (): string => readFileSync(path, "utf8");
