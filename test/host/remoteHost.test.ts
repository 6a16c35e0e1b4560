/** The deployer's own connection to a host, and a host that lies. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { RemoteHost } from "../../ssh/remoteHost";
import type { Connection } from "../../model/connection";
import { SshSite } from "../support/sshd";

const MEBIBYTE = 2 ** 20;

let site: SshSite;
let connection: Connection;
beforeAll(async () => {
  site = new SshSite(["SetEnv HOME=/"]);
  const { privateKey, ...key } = site.makeKey();
  site.authorize({ privateKey, ...key });
  const { port } = await site.start();
  connection = { host: "127.0.0.1", port, user: site.user, privateKey, dialErrorLimit: 0, perDialTimeout: 15 };
});
afterAll(() => site?.stop());

it("a remote host returns what a command printed", async () => {
  const host = await RemoteHost.open(connection, false, () => undefined);
  try {
    expect(await host.run('echo "$1"', "it's here")).toBe("it's here\n");
  } finally {
    host.close();
  }
});

it.each(["yes", "yes >&2"])("a host that answers without end does not fill memory: %s", async (command) => {
  const host = await RemoteHost.open(connection, false, () => undefined);
  try {
    const before = process.memoryUsage().rss;
    await expect(host.run(`exec timeout 20 ${command}`)).rejects.toThrow(/the host's answer does not end\n {4}-> /);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE);
  } finally {
    host.close();
  }
});
