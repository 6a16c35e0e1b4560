/**
 * Which of the test workers that run side by side this is, from 1 on. Each has a lab, a Docker engine and ports of its own;
 * the processes that it starts belong to it too.
 */
export const slot = Number(process.env.VITEST_POOL_ID ?? 1);
