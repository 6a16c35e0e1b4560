/** The power cord: the host program dies at any moment, the next deployment converges. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, ok, TestHost, finished } from "../support/hosts";
import { VERSION } from "../support/seed";
import { seeded } from "../support/seeded";
import { seedStandIn } from "../support/standInRelease";

const PORT = 24000;
const MOMENTS = 10;

/** Processes of the host program, by verb. */
function processes(host: TestHost, verbs: readonly string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const at = command.indexOf(join(host.manage, "host.cjs"));
        return at > 0 && verbs.includes(command[at + 1]!);
      } catch {
        return false;
      }
    })
    .map(Number);
}

let host: TestHost;
beforeAll(() => {
  host = new TestHost();
  seedStandIn(host.root, "main");
});
afterAll(() => host.dispose());

it(`converges after kill -9 at ${MOMENTS} seeded moments`, { timeout: 15 * 60_000 }, async () => {
  const next = seeded(2026);
  const channels = ["stable", "beta", "dev"];
  const at = (n: number) => host.describe({ basePort: PORT, config: { update: { channel: channels[n % 3]! } } });
  ok(await host.up("main", at(1)));
  const started = Date.now();
  ok(await host.up("main", at(2)));
  /** How long a change takes on this machine where nobody kills it. */
  const span = Date.now() - started;
  for (let n = 0; n < MOMENTS; n++) {
    const gateway = at(n);
    ok(await host.run("claim", ["main"], gateway.claim));
    const nonce = await host.stageSecrets("main", gateway.claim, { OPENCLAW_GATEWAY_TOKEN: "token" });
    const moment = next() * span;
    const withSupervisor = next() < 0.3;
    const what = `moment ${n}, after ${Math.round(moment)} ms${withSupervisor ? ", supervisor too" : ""}`;

    const apply = host.start("apply", ["main", "claim-id", nonce], gateway.spec);
    const end = finished(apply);
    await new Promise((resolve) => setTimeout(resolve, moment));
    // Front and worker, as a power cut would take them; and now and then the supervisor.
    const verbs = ["apply", "work", ...(withSupervisor ? ["supervise"] : [])];
    for (const pid of processes(host, verbs)) process.kill(pid, "SIGKILL");
    await end;

    const outcome = await host.run("apply", ["main", "claim-id", nonce], gateway.spec);
    expect(outcome.code, `${what}: ${outcome.stderr}`).toBe(0);
    expect(await ask(PORT, "/startupz"), what).toMatchObject({ ok: true, version: VERSION });
    expect(host.current("main"), what).toBe(host.good("main"));
    const config = JSON.parse(readFileSync(join(host.dir("main"), "current", "openclaw.json"), "utf8")) as object;
    expect(config, what).toMatchObject({ update: { channel: channels[n % 3] } });
    expect(processes(host, ["supervise"]), what).toHaveLength(1);
    expect(processes(host, ["apply", "work"]), what).toHaveLength(0);
    const marked = readdirSync(join(host.dir("main"), "generations"));
    expect(marked, what).toHaveLength(1);
  }
});
