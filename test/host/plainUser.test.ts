import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OPENCLAW_INTEGRITY } from "../../components/targets/pins";
import { ask, ok, TestHost } from "../support/hosts";
import { askForLock } from "../support/locks";
import { VERSION } from "../support/seed";

const PORT = 24850;
let host: TestHost;
beforeAll(() => void (host = new TestHost({ plainUser: true })));
afterAll(() => host.dispose());

it("a user without rights installs and runs a gateway as itself", async () => {
  const gateway = host.describe({ basePort: PORT });
  const packages = ok(await askForLock({ version: VERSION, integrity: OPENCLAW_INTEGRITY[VERSION]! })).stdout.trim();
  ok(await host.run("claim", ["main"], gateway.claim));
  await host.stageLock("main", gateway.claim, VERSION, packages);
  ok(await host.up("main", gateway));
  expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true });
  const uid = statSync(host.root).uid;
  expect(uid).not.toBe(0);
  expect(statSync(`/proc/${host.gatewayPid("main")}`).uid).toBe(uid);
  const config = statSync(join(host.dir("main"), "current", "openclaw.json"));
  expect([config.uid, config.mode & 0o777]).toEqual([uid, 0o600]);
  ok(await host.wrapper("main", ["gateway", "health", "--json"]));
  ok(await host.run("remove", ["main"]));
  expect(await ask(PORT, "/startupz")).toBeUndefined();
});
