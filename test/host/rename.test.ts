/** A gateway that gets another profile: the new one takes the place of the one that runs. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeStandIn } from "../standIn/release";
import { ask, isRunning, ok, TestHost, type GatewayUnderTest } from "../support/hosts";

const MAIN = 22400;
const RESCUE = 22600;
const GOOD = "2026.9.100";
const BAD = "2026.9.101";

describe("gateways that get other profiles", () => {
  let host: TestHost;
  /** As Pulumi sees it: the same resource, whatever its profile is. */
  const gateway = (resource: string, profile: string, args: object, partner: string): GatewayUnderTest => {
    const { claim, spec } = host.describe({ profile, ...args }, { partner });
    return { claim: { ...claim, owner: { ...claim.owner, gateway: resource } }, spec };
  };
  const main = (profile: string, partner: string, args: object = {}) =>
    gateway("claw-main", profile, { basePort: MAIN, version: GOOD, ...args }, partner);
  const rescue = (profile: string, partner: string) =>
    gateway("claw-rescue", profile, { basePort: RESCUE, version: GOOD }, partner);
  const up = (id: string, described: GatewayUnderTest) => {
    placeStandIn(host.root, id, { version: GOOD });
    placeStandIn(host.root, id, { version: BAD, endsWith: 78 });
    return host.up(id, described);
  };
  const isReady = async (port: number): Promise<boolean> => (await ask(port, "/readyz"))?.ready === true;
  const removed = (id: string, { claim }: GatewayUnderTest) => host.run("remove", [id, claim.owner.gateway], claim);

  beforeAll(async () => {
    host = new TestHost();
    const [first, second] = await Promise.all([
      up("main", main("default", "rescue")),
      up("rescue", rescue("rescue", "main")),
    ]);
    ok(first);
    ok(second);
  });
  afterAll(() => host.dispose());

  it("a rename goes back to the former profile where the new one does not come up", async () => {
    const before = host.gatewayPid("main");
    const failed = await up("one", main("one", "rescue", { version: BAD }));
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toContain("The previous generation is running again and is healthy");
    expect(await isReady(MAIN)).toBe(true);
    expect(host.gatewayPid("main")).not.toBe(before);
    expect(host.current("one")).toBeUndefined();
    ok(await removed("one", main("one", "rescue")));
    expect(await isReady(MAIN)).toBe(true);
    expect(existsSync(join(host.root, ".openclaw-one"))).toBe(false);
  });

  it("a gateway is not renamed while its partner is down", async () => {
    const pid = host.gatewayPid("main");
    process.kill(host.supervisorPid("rescue"), "SIGKILL");
    process.kill(host.gatewayPid("rescue"), "SIGKILL");
    const refused = await up("one", main("one", "rescue"));
    expect(refused.stderr).toContain("the partner gateway rescue is not healthy");
    expect(host.gatewayPid("main")).toBe(pid);
    expect(isRunning(pid)).toBe(true);
    ok(await host.run("start", ["rescue"]));
  });

  it("renaming both gateways at once never takes both down", async () => {
    writeFileSync(join(host.root, ".openclaw", "workspace", "memory.md"), "kept");
    const seen = new Set<string>();
    let done = false;
    const watch = (async () => {
      while (!done) seen.add(`${await isReady(MAIN)} ${await isReady(RESCUE)}`);
    })();
    const both = await Promise.all([up("one", main("one", "two")), up("two", rescue("two", "one"))]);
    done = true;
    await watch;
    both.forEach(ok);
    expect([...seen].sort()).toEqual(["false true", "true false", "true true"]);
    for (const id of ["main", "rescue"]) expect(host.current(id)).toBeUndefined();
  });

  it("a rename leaves the data of the former profiles, and nothing else of them", async () => {
    ok(await removed("main", main("default", "rescue")));
    ok(await removed("rescue", rescue("rescue", "main")));
    expect([await isReady(MAIN), await isReady(RESCUE)]).toEqual([true, true]);
    for (const id of ["main", "rescue"]) expect(existsSync(host.dir(id))).toBe(false);
    expect(readFileSync(join(host.root, ".openclaw", "workspace", "memory.md"), "utf8")).toBe("kept");
  });

  it("a rename keeps what the new profile has taken over", async () => {
    const stateDir = join(host.root, ".openclaw-one");
    const three = main("three", "two", { stateDir });
    ok(await up("three", three));
    ok(await removed("one", main("one", "two")));
    expect(await isReady(MAIN)).toBe(true);
    expect(JSON.parse(readFileSync(join(stateDir, ".pulumi-openclaw.json"), "utf8"))).toMatchObject({
      released: false,
    });
  });
});
