/** What a pair over SSH does from nothing to removed, whoever deploys it, wherever, and whatever its release is. */
import { expect, it } from "vitest";
import { REFUSED_LATER } from "../support/engine";
import { ok } from "../support/hosts";
import { VERSION } from "../support/seed";
import { MAIN_PORT, RESCUE_PORT, type PairOn } from "./stacks";

export function upRows(pair: () => PairOn): void {
  it("a pair comes up healthy, on loopback only, as services that do not run as root", async () => {
    const up = ok(await pair().stack.up());
    expect(up.stdout).not.toMatch(/warning:/);
    for (const port of [MAIN_PORT, RESCUE_PORT])
      expect(await pair().ask(port, "/startupz")).toMatchObject({ status: "started", version: VERSION });
    const account = pair().who === "root" ? "openclaw" : pair().host.user;
    for (const gateway of ["main", "rescue"] as const)
      expect(ok(await pair().host.run(`ps -o user= -p ${await pair().pid(gateway)}`)).stdout.trim()).toBe(account);
    const started = ok(await pair().host.run(`tr '\\0' ' ' </proc/${await pair().pid("main")}/cmdline`)).stdout;
    expect(started).toMatch(/\/node --max-old-space-size=\d+ \S+\/openclaw\.mjs gateway run $/);
    const listening = ok(await pair().host.run("ss -Htln"))
      .stdout.split("\n")
      .map((line) => line.split(/\s+/)[3] ?? "");
    expect(listening.filter((at) => /:(18[789]\d\d|19[789]\d\d)$/.test(at)).sort()).toEqual([
      "127.0.0.1:18789",
      "127.0.0.1:19789",
      "[::1]:18789",
      "[::1]:19789",
    ]);
  });

  it("a pair answers through its commands", async () => {
    const main = pair().who === "root" ? "openclaw-main" : "~/.local/bin/openclaw-main";
    expect(JSON.parse(ok(await pair().run(`${main} health --json`)).stdout)).toMatchObject({ ok: true });
  });

  it("a second up does not touch the pair", async () => {
    const pids = [await pair().pid("main"), await pair().pid("rescue")];
    expect(ok(await pair().stack.up("--expect-no-changes")).stdout).toMatch(/21 unchanged/);
    expect([await pair().pid("main"), await pair().pid("rescue")]).toEqual(pids);
  });
}

/** Of system units. */
export function fenceRow(pair: () => PairOn): void {
  it("gateways are sandboxed, and a browser's own sandbox still works", async () => {
    const unit = "openclaw-gateway.service";
    const rating = ok(await pair().run(`systemd-analyze security --no-pager ${unit}`)).stdout;
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(rating)?.[1])).toBeLessThan(3);
    const [, service = ""] = /^\[Service\]\n([^[]*)/m.exec(ok(await pair().run(`systemctl cat ${unit}`)).stdout) ?? [];
    const fences = service
      .split("\n")
      .filter((line) => /^(No|Lock|Restrict|System|Capability|Protect|Private)/.test(line));
    expect(fences.length).toBeGreaterThan(15);
    const properties = ["User=openclaw", ...fences].map((line) => `-p '${line}'`).join(" ");
    const sandbox = "unshare --user --map-root-user --pid --net --ipc --fork chroot / true";
    ok(await pair().run(`systemd-run --quiet --wait --collect --pipe ${properties} ${sandbox}`));
    const forbidden = await pair().run(
      `systemd-run --quiet --wait --collect --pipe ${properties} unshare --user --uts true`,
    );
    expect(forbidden.stderr).toContain("Operation not permitted");
  });
}

export function changeRows(pair: () => PairOn): void {
  it("a change to main's configuration leaves rescue alone", async () => {
    const [main, rescue] = [await pair().pid("main"), await pair().pid("rescue")];
    pair().stack.config("main.config.update.channel", "beta");
    const preview = ok(await pair().stack.preview()).stdout;
    expect(preview.match(/^ ~ .*command:remote:Command.*$/gm)).toHaveLength(1);
    expect(preview).toMatch(/openclaw-main-deployment\S* update/);
    expect(preview).toContain("main: changes while it runs, without a pause: update.channel");
    ok(await pair().stack.up());
    expect([await pair().pid("main"), await pair().pid("rescue")]).toEqual([main, rescue]);
    expect(await pair().ask(MAIN_PORT, "/startupz")).toMatchObject({ status: "started" });
  });

  it("an invalid configuration does not reach the running gateway", async () => {
    const main = await pair().pid("main");
    pair().stack.config("main.config.update.channel", REFUSED_LATER);
    const refused = await pair().stack.up();
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toMatch(/update\.channel/);
    expect(await pair().pid("main")).toBe(main);
    pair().stack.config("main.config.update.channel", "beta");
    ok(await pair().stack.preview("--expect-no-changes"));
  });
}

export function downRow(pair: () => PairOn): void {
  it("destroy leaves the pair's data and nothing else", async () => {
    ok(await pair().stack.destroy());
    expect(ok(await pair().systemctl("list-units --all --plain --no-legend 'openclaw*'")).stdout).toBe("");
    expect(ok(await pair().host.run("find / -xdev -name 'openclaw-gateway*.service'")).stdout).toBe("");
    expect(ok(await pair().host.run("ss -Htln")).stdout).not.toMatch(/:1[89]789 /);
    expect(
      ok(await pair().host.run(`ls -A ${pair().root} | grep openclaw`))
        .stdout.trim()
        .split("\n")
        .sort(),
    ).toEqual([".openclaw", ".openclaw-rescue"]);
  });
}
