/** What `make` makes of ^C. */
import { expect, test } from "vitest";
import { handleSignals, runInForeground, wasInterrupted } from "../../toolchain/processes";

test("an interruption reaches the program, and is remembered", async () => {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const former = signals.map((signal) => process.listeners(signal));
  try {
    handleSignals();
    const running = runInForeground("sleep", ["60"], { env: process.env });
    expect(wasInterrupted()).toBe(false);
    process.emit("SIGTERM");
    expect(await running).toBe(128 + 15);
    expect(wasInterrupted()).toBe(true);
  } finally {
    signals.forEach((signal, index) => {
      process.removeAllListeners(signal);
      for (const each of former[index]!) process.on(signal, each);
    });
  }
});
