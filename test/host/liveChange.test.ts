/** Changing the configuration of a gateway while it runs: what the host program does, whatever the gateway makes of it. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeStandIn, type Behaviour } from "../standIn/release";
import { ask, childrenOf, endStrays, eventually, isRunning, ok, TestHost, type Outcome } from "../support/hosts";
import { VERSION } from "../support/seed";

const PORT = 31600;
const SECONDS = 10;

/** A gateway that is up, and what the rows ask of it. */
class Changed {
  readonly host = new TestHost();
  constructor(private readonly port: number) {}

  async start(behaviour: Partial<Behaviour> = {}): Promise<void> {
    placeStandIn(this.host.root, "main", { version: VERSION, ...behaviour });
    ok(await this.up({}));
  }
  up(config: object, secrets?: Record<string, string>): Promise<Outcome> {
    return this.host.up("main", this.host.describe({ basePort: this.port, config }), secrets);
  }
  /** Its file, as it stands there. */
  get config(): Record<string, never> {
    return JSON.parse(readFileSync(join(this.host.dir("main"), "current/openclaw.json"), "utf8")) as never;
  }
  get files(): string[] {
    return readdirSync(join(this.host.dir("main"), "current")).sort();
  }
  async startedAt(): Promise<number> {
    return Date.now() - Number((await ask(this.port, "/startupz"))?.uptimeMs);
  }
  async knows(token: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${token}` };
    return (
      (await fetch(`http://127.0.0.1:${this.port}/tools/invoke`, { method: "POST", headers, body: "{}" })).status ===
      400
    );
  }
}

/** Asks a gateway 20 times a second while something is done: how often it was asked, and did not answer. */
async function sampled(
  port: number,
  action: () => Promise<void>,
): Promise<{ readonly asked: number; readonly failed: number }> {
  let [asked, failed, isDone] = [0, 0, false];
  const sampling = (async () => {
    for (; !isDone; await sleep(50)) {
      asked++;
      if ((await ask(port, "/readyz"))?.ready !== true) failed++;
    }
  })();
  await action().finally(() => (isDone = true));
  await sampling;
  return { asked, failed };
}

const AT_REST = ["openclaw.json", "openclaw.withheld.json", "service.json", "spec.json"];

describe("a gateway that takes a changed configuration", () => {
  const gateway = new Changed(PORT);
  const { host } = gateway;
  beforeAll(() => gateway.start());
  afterAll(() => host.dispose());

  it("answers all the time while a key changes that it applies live", async () => {
    const [pid, generation] = [host.gatewayPid("main"), host.current("main")];
    let outcome: Outcome | undefined;
    const { asked, failed } = await sampled(PORT, async () => {
      outcome = ok(await gateway.up({ session: { scope: "global" } }));
    });
    expect(outcome!.stdout).toBe(`now healthy: OpenClaw ${VERSION} on 127.0.0.1:${PORT}; changed while it ran\n`);
    expect(outcome!.stderr).toContain("changing its configuration while it runs: session.scope");
    expect(asked).toBeGreaterThan(5);
    expect(failed).toBe(0);
    expect([host.gatewayPid("main"), host.current("main"), host.good("main")]).toEqual([pid, generation, generation]);
    expect(gateway.config).toMatchObject({ session: { scope: "global" } });
    expect(gateway.files).toEqual(AT_REST);
  });

  it("is left alone by the same configuration", async () => {
    expect(ok(await gateway.up({ session: { scope: "global" } })).stdout).toContain("already healthy");
  });

  it("takes a rotated token, and nothing secret is in its environment", async () => {
    const pid = host.gatewayPid("main");
    const { failed } = await sampled(PORT, async () => {
      ok(await gateway.up({ session: { scope: "global" } }, { OPENCLAW_GATEWAY_TOKEN: "canary-second-token" }));
    });
    expect(failed).toBe(0);
    expect([await gateway.knows("canary-second-token"), await gateway.knows("token-of-main")]).toEqual([true, false]);
    expect(host.gatewayPid("main")).toBe(pid);
    const [launcher, child] = [pid, ...childrenOf(pid)].map((each) => readFileSync(`/proc/${each}/environ`, "utf8"));
    expect(`${launcher}${child}`).not.toContain("canary-second-token");
    const secrets = readdirSync(join(host.dir("main"), "secrets"));
    expect(secrets.filter((name) => name.endsWith(".given.json"))).toHaveLength(1);
  });

  it("restarts inside its process where it needs that", async () => {
    const [pid, started] = [host.gatewayPid("main"), await gateway.startedAt()];
    const config = { session: { scope: "global" }, gateway: { controlUi: { basePath: "/claw" } } };
    const outcome = ok(await gateway.up(config, { OPENCLAW_GATEWAY_TOKEN: "canary-second-token" }));
    expect(outcome.stdout).toContain("; it has restarted inside its process");
    expect(host.gatewayPid("main")).toBe(pid);
    expect(await gateway.startedAt()).toBeGreaterThan(started + 100);
  });

  it("goes on with what it has where it refuses a configuration", async () => {
    const [pid, before] = [host.gatewayPid("main"), gateway.config];
    const { failed } = await sampled(PORT, async () => {
      const outcome = await gateway.up(
        { update: { channel: "bogus" } },
        { OPENCLAW_GATEWAY_TOKEN: "canary-third-token" },
      );
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toContain(
        "the new configuration did not come into force: OpenClaw refuses it: update.channel",
      );
      expect(outcome.stderr).toContain("The former configuration is in force again; the gateway never stopped.");
    });
    expect(failed).toBe(0);
    expect([host.gatewayPid("main"), gateway.config, gateway.files]).toEqual([pid, before, AT_REST]);
    expect(await gateway.knows("canary-second-token")).toBe(true);
  });

  it("gets a new process where its environment changes, with what else has changed", async () => {
    const pid = host.gatewayPid("main");
    ok(await gateway.up({ session: { scope: "per-sender" } }, { SOMETHING: "canary-value" }));
    expect(host.gatewayPid("main")).not.toBe(pid);
    expect(gateway.config).toMatchObject({ session: { scope: "per-sender" } });
    expect(gateway.files).toEqual(AT_REST);
    expect(readdirSync(join(host.dir("main"), "generations"))).toHaveLength(1);
  });
});

describe("a gateway that says nothing of a changed configuration", () => {
  const gateway = new Changed(PORT + 120);
  const { host } = gateway;
  afterAll(() => host.dispose());

  it("is asked whether it has taken it", async () => {
    await gateway.start({ onChange: "takes silently" });
    const pid = host.gatewayPid("main");
    ok(await gateway.up({ session: { scope: "global" } }));
    expect([host.gatewayPid("main"), gateway.files]).toEqual([pid, AT_REST]);
  });
});

describe("a gateway that does not take a changed configuration", () => {
  const gateway = new Changed(PORT + 240);
  const { host } = gateway;
  beforeAll(() => gateway.start({ onChange: "ignores" }));
  afterAll(() => host.dispose());
  const changed = { session: { scope: "global" } };

  it("keeps the former one, and runs on", async () => {
    const [pid, before] = [host.gatewayPid("main"), gateway.config];
    const outcome = await gateway.up(changed);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("OpenClaw did not confirm it within 10 s");
    expect(outcome.stderr).toContain("the gateway never stopped");
    expect([host.gatewayPid("main"), gateway.config, gateway.files]).toEqual([pid, before, AT_REST]);
  });

  it("starts by itself with the former one where the deployment was killed, and is changed by the next", async () => {
    const before = gateway.config;
    const { claim, spec } = host.describe({ basePort: PORT + 240, config: changed });
    const nonce = await host.stageSecrets("main", claim, { OPENCLAW_GATEWAY_TOKEN: "token-of-main" });
    const front = host.start("apply", ["main", "claim-id", nonce], spec);
    await eventually("the new file", SECONDS, () => Promise.resolve(gateway.files.includes("openclaw.json.former")));
    expect(gateway.config).toMatchObject(changed);
    const worker = execFileSync("pgrep", ["-f", `${host.manage}/host.cjs work main`], { encoding: "utf8" }).trim();
    process.kill(Number(worker), "SIGKILL");
    await eventually("the end of the command", SECONDS, () => Promise.resolve(front.exitCode !== null));

    placeStandIn(host.root, "main", { version: VERSION });
    const pid = host.gatewayPid("main");
    process.kill(pid, "SIGKILL");
    await eventually("another start", SECONDS, () => Promise.resolve(![NaN, pid].includes(host.gatewayPid("main"))));
    await eventually("an answer", SECONDS, () => ask(PORT + 240, "/startupz"));
    expect([gateway.config, gateway.files]).toEqual([before, AT_REST]);

    ok(await gateway.up(changed));
    expect(gateway.config).toEqual({ ...before, ...changed });
    expect(gateway.files).toEqual(AT_REST);
  });
});

describe("a machine that loses power while a changed configuration is not yet proved", () => {
  const gateway = new Changed(PORT + 480);
  const { host } = gateway;
  afterAll(() => host.dispose());

  it("has the former one when its gateway is started by hand", async () => {
    await gateway.start();
    const before = gateway.config;
    const current = join(host.dir("main"), "current");
    endStrays(host.root);
    renameSync(join(current, "openclaw.json"), join(current, "openclaw.json.former"));
    writeFileSync(join(current, "openclaw.json"), JSON.stringify({ ...before, update: { channel: "bogus" } }));
    ok(await host.run("start", ["main"]));
    expect([gateway.config, gateway.files]).toEqual([before, AT_REST]);
  });
});

describe("a gateway that ends because of a changed configuration", () => {
  const gateway = new Changed(PORT + 360);
  const { host } = gateway;
  afterAll(() => host.dispose());

  it("runs again with the former one", async () => {
    await gateway.start({ onChange: "ends" });
    const [pid, before] = [host.gatewayPid("main"), gateway.config];
    const outcome = await gateway.up({ session: { scope: "global" } });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("its process ended");
    expect(outcome.stderr).toContain("The gateway was started again with its former configuration and is healthy.");
    expect([gateway.config, gateway.files]).toEqual([before, AT_REST]);
    expect(isRunning(pid)).toBe(false);
    expect(await ask(PORT + 360, "/startupz")).toMatchObject({ ok: true });
  });
});
