/** How long the deployer waits for gateways. All of it is in this file: tests bundle another one in its place. */
export const PATIENCE = {
  /** With one that was just made. Two cold boots side by side on two cores take about 25 s; a slow disk a multiple of it. */
  healthMs: 180_000,
  /** With one that runs and does not answer, before it counts as down. */
  answerMs: 15_000,
  pollMs: 1_000,
  /** With a partner that is not healthy: it may just be restarting. */
  partner: { graceMs: 20_000, pollMs: 2_000 },
};
