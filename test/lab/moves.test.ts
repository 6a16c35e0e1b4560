/** A pair that moves to another host, and a host that is gone for good. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { ok } from "../support/hosts";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

const PAIR = ["main", "rescue"];

inLab("a pair that moves", () => {
  let lab: Lab;
  let pair: PairOn;
  const hosts: Host[] = [];
  const host = (index: number): Host => hosts[index]!;

  beforeAll(async () => {
    lab = await Lab.start();
    for (const gateways of [PAIR, PAIR, [...PAIR, "one", "two"]])
      hosts.push(await lab.host({ debian: "bookworm", layers: [await rootLayer(...gateways)] }));
    pair = await PairOn.create(lab, host(0), "root");
    ok(await pair.stack.up());
  });
  afterAll(async () => {
    pair?.stack.forget();
    for (const each of hosts) await each.dispose();
    await lab?.stop();
  });

  const isReady = async (on: Host, port: number): Promise<boolean> =>
    (await pair.at(on).ask(port, "/readyz"))?.ready === true;

  function moveTo(target: Host): void {
    pair.stack.config("ssh.host", target.address);
    pair.stack.config("ssh.hostKey", target.hostKey);
  }

  it("a moved gateway is up on the new host before the old one is cleaned", async () => {
    moveTo(host(1));
    const preview = ok(await pair.stack.preview()).stdout;
    expect(preview).toMatch(new RegExp(`\\+ .*openclaw-main-slot@${host(1).address} create`));
    expect(preview).toMatch(new RegExp(`- .*openclaw-main-slot@${host(0).address} delete`));

    let neverDown = true;
    let moved = false;
    const watch = (async () => {
      while (!moved)
        for (const port of [MAIN_PORT, RESCUE_PORT])
          neverDown &&= (await isReady(host(0), port)) || (await isReady(host(1), port));
    })();
    const up = await pair.stack.up();
    moved = true;
    await watch;
    ok(up);
    expect(neverDown).toBe(true);
    for (const port of [MAIN_PORT, RESCUE_PORT]) expect(await isReady(host(1), port)).toBe(true);
    const left = ok(
      await host(0).run("ls -A /var/lib/openclaw; ls /etc/systemd/system /usr/local/bin | grep openclaw || true"),
    );
    expect(left.stdout.trim().split("\n").sort()).toEqual([".openclaw", ".openclaw-rescue"]);
    ok(await pair.stack.preview("--expect-no-changes"));
  });

  it("a gateway is untouched where only the name of its host changes", async () => {
    const pids = [await pair.at(host(1)).pid("main"), await pair.at(host(1)).pid("rescue")];
    pair.stack.config("ssh.port", "22");
    const mapped = `::ffff:${host(1).address}`;
    pair.stack.config("ssh.host", mapped);
    ok(await pair.stack.up());
    expect([await pair.at(host(1)).pid("main"), await pair.at(host(1)).pid("rescue")]).toEqual(pids);
    pair.stack.config("ssh.host", host(1).address);
    ok(await pair.stack.up());
  });

  it("a gateway leaves a dead host with one command, which up names", async () => {
    host(1).cut();
    moveTo(host(2));
    const stuck = await pair.stack.up();
    expect(stuck.code).not.toBe(0);
    for (const port of [MAIN_PORT, RESCUE_PORT]) expect(await isReady(host(2), port)).toBe(true);

    const program = (await pair.stack.resources()).find((urn) => urn.endsWith(`ssh-program@${host(1).address}`))!;
    ok(await pair.stack.run(["state", "delete", "--yes", "--target-dependents", program]));
    ok(await pair.stack.up());
    ok(await pair.stack.preview("--expect-no-changes"));
    for (const port of [MAIN_PORT, RESCUE_PORT]) expect(await isReady(host(2), port)).toBe(true);
  });

  it("a gateway is not moved to another root of its host while it runs there", async () => {
    pair.stack.config("root", "/srv/claw");
    const refused = await pair.stack.up();
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toMatch(
      /openclaw-gateway\.service runs a gateway with the same profile, .*below another `root`/,
    );
    ok(await pair.stack.run(["config", "rm", "root"]));
    ok(await pair.stack.preview("--expect-no-changes"));
  });

  it("gateways get other profiles one after the other, and the former data stays where the preview says", async () => {
    pair.stack.config("main.profile", "one");
    pair.stack.config("rescue.profile", "two");
    const preview = ok(await pair.stack.preview("--diff")).stdout;
    expect(preview).toContain(`::openclaw-main-slot@${host(2).address}/one]`);
    for (const name of [".openclaw", ".openclaw-rescue"])
      expect(preview).toContain(`: keeps /var/lib/openclaw/${name}; `);

    let done = false;
    const seen = new Set<string>();
    const watch = (async () => {
      while (!done) seen.add(`${await isReady(host(2), MAIN_PORT)} ${await isReady(host(2), RESCUE_PORT)}`);
    })();
    const up = await pair.stack.up();
    done = true;
    await watch;
    ok(up);
    expect([...seen].sort()).toEqual(["false true", "true false", "true true"]);
    const units = ok(await host(2).run("ls /etc/systemd/system | grep openclaw"))
      .stdout.trim()
      .split("\n");
    expect(units).toEqual(["openclaw-gateway-one.service", "openclaw-gateway-two.service"]);
    expect(
      ok(await host(2).run("ls -A /var/lib/openclaw | grep '^.openclaw'"))
        .stdout.trim()
        .split("\n")
        .sort(),
    ).toEqual([".openclaw", ".openclaw-one", ".openclaw-rescue", ".openclaw-two"]);
    ok(await pair.stack.preview("--expect-no-changes"));
  });
});
