/**
 * How long the host program waits for what, in milliseconds. In one place, since the tests' bundle of it waits less
 * (`bundleHost` in toolchain/build.ts): only the numbers here are replaced, and nothing on a host can change one.
 */

/** A busy gateway drains its work for up to 315 s before it exits. Source: OpenClaw's own unit waits 330 s. */
export const DRAIN_TIMEOUT_MS = 330_000;
/** For one that has nothing to finish. */
export const STOP_TIMEOUT_MS = 15_000;
/** For one that has closed its port: it has finished everything, and exits within a second (measured, 2026.9.6). */
export const EXIT_TIMEOUT_MS = 30_000;
/** Until our own supervisor has recorded that it is running. */
export const SUPERVISOR_START_TIMEOUT_MS = 10_000;
/** Before a gateway that exited on its own is started again; doubled after each further exit. */
export const FIRST_BACKOFF_MS = 1_000;
export const MAX_BACKOFF_MS = 60_000;

/** How long a partner that is just being created may take to begin its own deployment. */
export const PARTNER_GRACE_MS = 20_000;
/** How long a running process may fail to answer before its gateway counts as down. */
export const RUNNING_PATIENCE_MS = 15_000;
/** How long the parts of a gateway that has started may take to start as well, before its channels are asked for. */
export const CHANNEL_PATIENCE_MS = 5_000;
/** How long a channel may take to connect. Source: OpenClaw polls Telegram for 30 s, and again 31 s after a conflict. */
export const CHANNEL_TIMEOUT_MS = 90_000;
/** Between two questions about channels: each takes 3 to 6 s, and 1.5 s of a processor. */
export const CHANNEL_POLL_MS = 2_000;

/** How long OpenClaw may take to say what it does about a changed configuration. Source: 1 s idle, 5 s busy (measured, 2026.9.6). */
export const RELOAD_TIMEOUT_MS = 60_000;
/** When it is asked, if it has not said anything; and between two questions. Each takes 3 s, and 2 s of a processor. */
export const RELOAD_ASK_MS = 4_000;
/** Between two looks at what it says. */
export const RELOAD_POLL_MS = 100;

/** Between two checks of a partner, a gateway's health, a lock, a job, a process, a unit. */
export const PARTNER_POLL_MS = 500;
export const HEALTH_POLL_MS = 250;
export const MUTEX_POLL_MS = 200;
export const JOB_POLL_MS = 100;
export const PROCESS_POLL_MS = 50;
export const UNIT_POLL_MS = 100;
