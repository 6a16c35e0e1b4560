/** How long the deployer waits for gateways. All of it is in this file: tests bundle another one in its place. */

/** For one that was just made. Two cold boots side by side on two cores take about 25 s; a slow disk a multiple of it. */
export const HEALTH_MS = 180_000;
/** For one that runs and does not answer, before it counts as down. */
export const ANSWER_MS = 15_000;
export const POLL_MS = 1_000;
/** For a partner that is not healthy: it may just be restarting. */
export const PARTNER = { graceMs: 20_000, pollMs: 2_000 };
