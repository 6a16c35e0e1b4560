import { defineConfig } from "vitest/config";

const minutes = (count: number): number => count * 60_000;

/** The levels of the test suite: `npm test` runs all, `npm test -- --project unit` one. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/toolchain/**/*.test.ts"] } },
      { test: { name: "docs", include: ["test/docs/**/*.test.ts"], testTimeout: minutes(1), hookTimeout: minutes(1) } },
      { test: { name: "mocks", include: ["test/mocks/**/*.test.ts"] } },
      {
        test: {
          name: "plugin",
          include: ["test/plugin/**/*.test.ts"],
          testTimeout: minutes(1),
          hookTimeout: minutes(1),
        },
      },
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          testTimeout: minutes(5),
          hookTimeout: minutes(15),
        },
      },
      {
        test: {
          name: "host",
          include: ["test/host/**/*.test.ts"],
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: minutes(10),
          hookTimeout: minutes(10),
          // Real gateways on few cores: one file at a time keeps boot times, and so failures, meaningful.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "crash",
          include: ["test/crash/**/*.test.ts"],
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: minutes(10),
          hookTimeout: minutes(2),
        },
      },
      {
        test: {
          name: "engine",
          include: ["test/engine/**/*.test.ts"],
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: minutes(10),
          hookTimeout: minutes(15),
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: minutes(10),
          hookTimeout: minutes(15),
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "docker",
          include: ["test/docker/**/*.test.ts"],
          globalSetup: "test/support/globalSetup.ts",
          testTimeout: minutes(10),
          hookTimeout: minutes(15),
          fileParallelism: false,
        },
      },
    ],
  },
});
