/**
 * Real gateways need all of two processors for their start, and OpenClaw itself gives up after some seconds: files with them run
 * one after the other, whatever runs beside them.
 */
import { afterAll, beforeAll } from "vitest";
import type { Server } from "node:net";
import { releaseLock, takeLock } from "../lab/lock";

const NAME = "claw-real-gateways";
const PATIENCE_MILLISECONDS = 40 * 60_000;

/** Call it before everything else of a file that starts real gateways. */
export function withRealGateways(): void {
  let lock: Server | undefined;
  beforeAll(async () => void (lock = await takeLock(NAME, PATIENCE_MILLISECONDS)), PATIENCE_MILLISECONDS);
  afterAll(async () => void (lock && (await releaseLock(lock))));
}
