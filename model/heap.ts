/** How large the JavaScript heap of a gateway may grow. Pure; everything in MiB. */

/** Source: measured, OpenClaw 2026.9.6: it holds 217 as soon as it has started, and does not start with 192. */
export const MIN_HEAP = 512;

const SMALL = 2048;
const LARGE = 8192;

/**
 * What `openclaw gateway install` gives a gateway that has so much memory: half of it, but 2048 at least, and at most 8192
 * or a quarter; never more than three quarters. Source: PR 96250, OpenClaw 2026.9.6; test/host/openclawRules.test.ts compares.
 */
export const adaptiveHeap = (memory: number): number =>
  Math.min(Math.max(LARGE, Math.floor(memory / 4)), Math.max(SMALL, Math.floor(memory / 2)), Math.floor(memory * 0.75));

/** For node, before its program. As a variable (NODE_OPTIONS) every program that the agent runs would have it, too. */
export const heapFlag = (heap: number): string => `--max-old-space-size=${heap}`;
