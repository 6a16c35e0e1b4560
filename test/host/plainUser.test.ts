import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, ok, TestHost } from "../support/hosts";

const PORT = 24850;
let host: TestHost;
beforeAll(() => void (host = new TestHost({ plainUser: true })));
afterAll(() => host.dispose());

it("a user without rights installs and runs a gateway as itself", async () => {
  ok(await host.up("main", host.describe({ basePort: PORT })));
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
