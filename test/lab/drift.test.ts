/** A pair that somebody has changed on its host: what a preview over SSH says, and what `up` puts right. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { ok } from "../support/hosts";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { MAIN_PORT, PairOn, RESCUE_PORT } from "./stacks";

inLab("a pair that was changed on its host", () => {
  let lab: Lab;
  let pair: PairOn;
  beforeAll(async () => {
    lab = await Lab.start();
    const layers = [await rootLayer("main", "rescue")];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers }), "root");
    ok(await pair.stack.up());
  });
  afterAll(async () => {
    await pair?.dispose();
    await lab?.stop();
  });

  const pids = async (): Promise<number[]> => [await pair.pid("main"), await pair.pid("rescue")];
  const typed = async (line: string): Promise<void> => void ok(await pair.run(line));
  /** What it says before what would change. */
  const preview = async (): Promise<string> => ok(await pair.stack.preview()).stdout;

  it("a service that was stopped, disabled and edited, and nothing else", async () => {
    const [, rescue] = await pids();
    const unit = "/etc/systemd/system/openclaw-gateway.service";
    await typed(`systemctl disable --now openclaw-gateway && sed -i s/^Restart=.*/Restart=no/ ${unit}`);
    const said = await preview();
    expect(said).toContain(
      `openclaw.main: ${unit} was changed on the host by hand; openclaw-gateway.service is not enabled: it would not start after a reboot; is stopped`,
    );
    expect(said).not.toContain("openclaw.rescue:");
    ok(await pair.stack.up());
    await pair.untilReady(MAIN_PORT);
    expect(ok(await pair.run(`systemctl is-enabled openclaw-gateway; grep ^Restart= ${unit}`)).stdout).toBe(
      "enabled\nRestart=always\n",
    );
    expect(await pair.pid("rescue")).toBe(rescue);
    ok(await pair.stack.preview("--expect-no-changes"));
  });

  it("keys that root has edited, and a command that is gone, while both run on", async () => {
    const before = await pids();
    const config = `${pair.root}/.pulumi-openclaw/gateways/rescue/current/openclaw.json`;
    await typed(`sed -i 's/"mode": "hybrid"/"mode": "hot"/' ${config}; rm /usr/local/bin/openclaw-main`);
    const said = await preview();
    expect(said).toContain("openclaw.rescue: gateway.reload.mode was changed on the host by hand");
    expect(said).toContain("openclaw.rescue: changes while it runs, without a pause: gateway.reload.mode");
    expect(said).toContain("openclaw.main: /usr/local/bin/openclaw-main is gone");
    ok(await pair.stack.up());
    expect(await pids()).toEqual(before);
    await pair.untilReady(RESCUE_PORT);
    ok(await pair.run(`grep '"hybrid"' ${config} && test -x /usr/local/bin/openclaw-main`));
    ok(await pair.stack.preview("--expect-no-changes"));
  });
});
