/** Once before the suites with real gateways: what they need is there. Once after: nothing of them runs any more. */
import { execFileSync } from "node:child_process";
import { buildBundles } from "../../toolchain/build";
import { endStrays, RUN_VARIABLE, TEST_ACCOUNT } from "./hosts";
import { writeTestProgram } from "./hostProgram";
import { removePlacedLocks } from "./packageLocks";
import { ensureSeed } from "./seed";

export async function setup(): Promise<void> {
  if (process.platform !== "linux") throw new Error("the host and engine suites need Linux: gateways run there only");
  process.env[RUN_VARIABLE] ??= String(process.pid);
  await buildBundles();
  await writeTestProgram();
  ensureSeed();
}

export function teardown(): void {
  removePlacedLocks();
  const strays = endStrays();
  if (process.getuid!() === 0) {
    try {
      execFileSync("userdel", [TEST_ACCOUNT], { stdio: "ignore" });
    } catch {
      // it was never created
    }
  }
  if (strays.length) throw new Error(`the tests left gateways running (now ended): ${strays.join(", ")}`);
}
