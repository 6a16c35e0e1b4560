import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestStack } from "../support/engine";
import { ok } from "../support/hosts";
import type { Host } from "./host";
import { Lab } from "./lab";
import { rootLayer, userLayer } from "./layers";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(() => lab?.stop());

/** The root stack on a host of the lab. */
async function stackOn(host: Host, user: string): Promise<TestStack> {
  const stack = await TestStack.create();
  await stack.config("target", "ssh");
  await stack.config("ssh.host", host.address);
  await stack.config("ssh.user", user);
  await stack.config("ssh.hostKey", host.hostKey);
  await stack.config("ssh.registry", "http://10.240.0.1:1");
  await stack.secretConfig("ssh.privateKey", lab.privateKey);
  return stack;
}

describe.each([
  ["root", "bookworm"],
  ["a plain user", "trixie"],
] as const)("a pair of %s on %s", (who, debian) => {
  let host: Host;
  let stack: TestStack;
  beforeAll(async () => {
    const layers = [await (who === "root" ? rootLayer : userLayer)("main", "rescue")];
    host = await lab.host({ debian, layers });
    stack = await stackOn(host, who === "root" ? "root" : host.user);
    if (who !== "root") ok(await host.run(`loginctl enable-linger ${host.user}`));
  });
  afterAll(async () => {
    await stack?.dispose();
    await host?.dispose();
  });

  it("comes up healthy", async () => {
    const outcome = await stack.up();
    console.log(outcome.stdout.slice(-6000), outcome.stderr);
    ok(outcome);
  });

  it("second up", async () => {
    ok(await stack.preview("--expect-no-changes"));
  });

  it("reboots", async () => {
    await host.reboot();
    const out = await host.run("sleep 25; systemctl list-units 'openclaw*' --no-pager; ss -ltnp");
    console.log(out.stdout, out.stderr);
    const outcome = ok(await stack.destroy());
    console.log(outcome.stdout.slice(-2000));
    console.log(
      ok(await host.run("ls -la /var/lib/openclaw /home/claw; ls /etc/systemd/system; ps aux | tail -5")).stdout,
    );
  });
});
