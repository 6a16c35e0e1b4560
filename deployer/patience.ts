/** How long the deployer waits for gateways. All of it is in this file, so that tests can bundle another. */

/** For a new one. Two cold boots side by side on two cores take about 25 s; on a slow disk, several times that. */
export const HEALTH_MS = 180_000;
/** For one that runs but does not answer, before it counts as down. */
export const ANSWER_MS = 15_000;
export const POLL_MS = 1_000;
/** For a partner that is not healthy: it may just be restarting. */
export const PARTNER = { graceMs: 20_000, pollMs: 2_000 };
/** For the channels of a gateway that has just become healthy; each question takes 3 to 6 s. */
export const CHANNELS = { patienceMs: 20_000, pollMs: 2_000 };
