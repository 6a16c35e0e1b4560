import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { shippedPackageLock } from "../../components/targets/packageLocks";
import { unpack } from "../../model/packageLock";
import { ask, ok, TestHost } from "../support/hosts";
import { VERSION } from "../support/seed";

const PORT = 24850;
let host: TestHost;
beforeAll(() => void (host = new TestHost({ plainUser: true })));
afterAll(() => host.dispose());

it("an unprivileged user installs and runs a gateway as itself", async () => {
  const gateway = host.describe({ basePort: PORT });
  const packages = shippedPackageLock(VERSION)!;
  ok(await host.run("claim", ["main"], gateway.claim));
  const lock = await host.stageLock("main", gateway.claim, VERSION, packages);
  const nonce = await host.stageSecrets("main", gateway.claim, { OPENCLAW_GATEWAY_TOKEN: "token-of-main" });
  ok(await host.run("apply-locked", ["main", "claim-id", nonce, lock], gateway.spec));
  const release = join(host.dir("main"), "releases", VERSION);
  expect(readFileSync(join(release, "package-lock.json"), "utf8")).toBe(unpack(packages));
  expect(await ask(PORT, "/readyz")).toMatchObject({ ready: true });
  const uid = statSync(host.root).uid;
  expect(uid).not.toBe(0);
  expect(statSync(`/proc/${host.gatewayPid("main")}`).uid).toBe(uid);
  expect(readFileSync(`/proc/${host.gatewayPid("main")}/cmdline`, "utf8")).toContain("\0--max-old-space-size=");
  const config = statSync(join(host.dir("main"), "current", "openclaw.json"));
  expect([config.uid, config.mode & 0o777]).toEqual([uid, 0o600]);
  ok(await host.wrapper("main", ["gateway", "health", "--json"]));
  ok(await host.run("remove", ["main"]));
  expect(await ask(PORT, "/startupz")).toBeUndefined();
});
