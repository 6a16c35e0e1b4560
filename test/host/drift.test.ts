/** A gateway that is not as its last deployment left it: what a look says, and what the next deployment makes of it. */
import { appendFileSync, chmodSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Drift } from "../../model/drift";
import { placeStandIn, releaseDirectory, sendStandIn } from "../standIn/release";
import { ask, childrenOf, eventually, ok, TestHost, type Outcome } from "../support/hosts";
import { VERSION } from "../support/seed";

const PORT = 31200;

describe("a gateway that was changed on its host", () => {
  const host = new TestHost();
  const gateway = host.describe({ basePort: PORT, configPath: join(host.root, "link/openclaw.json") });
  const secrets = { SOMETHING: "canary-value" };
  const current = (name: string): string => join(host.dir("main"), "current", name);
  const up = (): Promise<Outcome> => host.up("main", gateway, secrets);

  beforeAll(async () => {
    placeStandIn(host.root, "main", { version: VERSION });
    ok(await up());
  });
  afterAll(() => host.dispose());

  async function drifts(): Promise<readonly Drift[]> {
    const claims = [{ ...gateway.claim, id: "main" }];
    const { stdout } = ok(
      await host.run("look", [], { format: 1, layout: host.layout, claims, wanted: [gateway.spec] }),
    );
    return (JSON.parse(stdout) as { drifts: Drift[][] }).drifts[0]!;
  }

  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(path, change(readFileSync(path, "utf8")));
  const end = (): void => {
    const pid = host.gatewayPid("main");
    process.kill(host.supervisorPid("main"), "SIGKILL");
    process.kill(pid, "SIGKILL");
  };
  const secretsFile = (): string =>
    (JSON.parse(readFileSync(current("service.json"), "utf8")) as { secrets: string }).secrets;

  it("nothing is found where nothing was changed: after a start by its supervisor, and a command of its own", async () => {
    const pid = host.gatewayPid("main");
    expect(await drifts()).toEqual([]);
    process.kill(pid, "SIGKILL");
    await eventually("another process", 20, () => ![NaN, pid].includes(host.gatewayPid("main")));
    await eventually("an answer", 20, async () => (await ask(PORT, "/readyz"))?.ready === true);
    ok(await host.wrapper("main", ["config", "validate", "--json"]));
    expect(await drifts()).toEqual([]);
    expect(ok(await up()).stdout).toContain("already healthy");
    expect(await drifts()).toEqual([]);
  });

  /** What is done to it, what is said, and whether its process stays. */
  const ROWS: readonly (readonly [what: string, damage: () => void, said: object, stays: boolean])[] = [
    [
      "a key of its configuration",
      () => edit(current("openclaw.json"), (text) => text.replace('"hybrid"', '"hot"')),
      { is: "config", keys: ["gateway.reload.mode"] },
      true,
    ],
    [
      "its configuration is no JSON any more",
      () => edit(current("openclaw.json"), () => "{"),
      { is: "config", keys: [] },
      true,
    ],
    [
      "who may read its configuration",
      () => chmodSync(current("openclaw.json"), 0o666),
      { is: "access", path: current("openclaw.json"), now: expect.stringContaining("mode 666") as string },
      true,
    ],
    [
      "the configuration of its command line",
      () => edit(current("openclaw.withheld.json"), () => "{}"),
      { is: "edited", path: current("openclaw.withheld.json") },
      true,
    ],
    [
      "how it is started",
      () => edit(current("service.json"), (text) => text.replace('"env": {', '"env": {\n    "NODE_ENV": "x",')),
      { is: "edited", path: current("service.json") },
      false,
    ],
    [
      "its command",
      () => appendFileSync(gateway.claim.wrapper, "# more\n"),
      { is: "edited", path: gateway.claim.wrapper },
      true,
    ],
    ["its command is gone", () => rmSync(gateway.claim.wrapper), { is: "gone", path: gateway.claim.wrapper }, true],
    [
      "the link to its configuration is gone",
      () => rmSync(gateway.claim.configPath),
      { is: "gone", path: gateway.claim.configPath },
      true,
    ],
    ["a secret", () => edit(secretsFile(), (text) => text.replace("canary", "other")), { is: "edited" }, true],
    [
      "the mark in its state directory",
      () => edit(join(gateway.claim.stateDir, ".pulumi-openclaw.json"), (text) => `${text}\n`),
      { is: "edited", path: join(gateway.claim.stateDir, ".pulumi-openclaw.json") },
      true,
    ],
    ["it was stopped", end, { is: "stopped" }, false],
  ];

  it.each(ROWS)("%s: said, and put right", async (what, damage, said, stays) => {
    const [pid, generation] = [host.gatewayPid("main"), host.current("main")];
    damage();
    expect(await drifts()).toEqual([expect.objectContaining(said)]);
    ok(await up());
    expect(await drifts()).toEqual([]);
    expect(host.gatewayPid("main") === pid).toBe(stays);
    if (what !== "how it is started") expect(host.current("main")).toBe(generation);
    expect((await ask(PORT, "/startupz"))?.version).toBe(VERSION);
  });

  it("a host that has lost the key of its digests gets another one", async () => {
    const key = join(host.manage, "nonce.key");
    rmSync(key);
    expect(await drifts()).toEqual([{ is: "gone", path: key }]);
    ok(await up());
    expect(await drifts()).toEqual([]);
  });

  it("a release with another file is installed again, and another process runs it", async () => {
    const file = join(releaseDirectory(host.root, "main", VERSION), "stand-in.json");
    const pid = host.gatewayPid("main");
    edit(file, (text) => `${text} `);
    renameSync(file, `${file}.new`);
    renameSync(`${file}.new`, file);
    expect(await drifts()).toEqual([{ is: "release", version: VERSION, files: 1 }]);
    edit(join(host.manage, "host.json"), (text) => text.replace("{", '{"push": true,'));
    sendStandIn(host.root, "main", VERSION, "true");
    ok(await up());
    expect(host.gatewayPid("main")).not.toBe(pid);
    expect(readFileSync(file, "utf8")).toBe(JSON.stringify({ version: VERSION }));
    expect(await drifts()).toEqual([]);
  });

  it("one that has hung for minutes is found, and one that has just been started is given time", async () => {
    const pid = host.gatewayPid("main");
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, "SIGSTOP");
    expect(await drifts()).toEqual([]);
    const long = Date.now() / 1000 - 600;
    utimesSync(join(host.dir("main"), "supervisor.json"), long, long);
    expect(await drifts()).toEqual([{ is: "silent", port: PORT }]);
    ok(await up());
    expect(host.gatewayPid("main")).not.toBe(pid);
    expect(await drifts()).toEqual([]);
  });

  it("one whose supervisor was not started again after a reboot says so", async () => {
    end();
    utimesSync(join(host.dir("main"), "supervisor.json"), 1, 1);
    expect(await drifts()).toEqual([{ is: "stopped", rebootedAt: expect.any(Number) as number }]);
    ok(await up());
  });
});
