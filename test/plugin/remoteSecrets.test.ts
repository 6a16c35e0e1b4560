/** What a remote resource leaves behind: no secret anywhere but on the host, and of the stand-in no connection either. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { refusal, type PluginClient, type Properties } from "./pluginClient";
import { create, forEachPluginWithSsh } from "./ssh";

const goOn = join(mkdtempSync(join(tmpdir(), "remote-secrets-")), "go-on");
const untilToldTo = `while ! test -e ${goOn}; do sleep 0.05; done`;
beforeEach(() => rmSync(goOn, { force: true }));
afterAll(() => rmSync(dirname(goOn), { recursive: true }));

/** Command lines and environments of a process and of all that it started. */
function traces(pid: number): string {
  const own = ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "utf8")).join("\n");
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [own, ...children.map((child) => traces(Number(child)))].join("\n");
}

forEachPluginWithSsh((plugin, ssh) => {
  it("no secret is in an error, a log line, an argument or a variable", async () => {
    const passphrase = "canary-passphrase";
    const key = ssh.site.makeKey({ passphrase });
    ssh.site.authorize(key);
    const stdin = "canary-stdin\n";
    const secrets = { privateKey: key.privateKey, privateKeyPassword: passphrase, password: "canary-password" };
    const canaries = [...key.privateKey.split("\n").filter((line) => /^[A-Za-z0-9+/=]{30,}$/.test(line)), "canary-"];
    const client = await plugin.start({ engineAddress: plugin.engine.address, env: { HOME: "/" } });
    plugin.engine.logs.length = 0;

    const messages: string[] = [];
    const fails = async (connection: Properties, inputs: Properties = {}): Promise<void> => {
      const all = { connection: ssh.connection({ ...secrets, ...connection }), create: "exit 3", stdin, ...inputs };
      messages.push((await refusal(create({ client }, all))).message);
    };
    const running = create(
      { client },
      { connection: ssh.connection(secrets), create: `cat >/dev/null; ${untilToldTo}; echo done`, stdin },
    );
    await fails({});
    await fails({ dialErrorLimit: 1, user: "nobody-at-all" });
    await fails({ port: 1, dialErrorLimit: 1 });
    await fails({ hostKey: ssh.site.makeKey().publicKey });
    await fails({ privateKeyPassword: "canary-wrong" });
    await fails({ privateKeyPassword: null });
    await fails({ privateKey: key.privateKey.slice(0, 200), privateKeyPassword: null });
    await fails({ privateKey: key.privateKey.replaceAll("\n", "\\n") });
    await fails({ proxy: ssh.connection({ ...secrets, port: 1 }) });
    await fails({ hostKey: "canary-hostKey" });
    const seen = traces(client.pid);
    writeFileSync(goOn, "");
    expect(await running).toMatchObject({ stdout: "done" });

    const told = [...messages, ...plugin.engine.logs.map(({ message }) => message), seen].join("\n");
    for (const canary of canaries) expect(told.includes(canary)).toBe(false);
    expect(messages).toHaveLength(10);
    await client.stop();
  });

  const isStandIn = (): boolean => readFileSync(plugin.executable).subarray(0, 2).toString() === "#!";

  it("a silent host is given up at a cancel", async ({ skip }) => {
    if (!isStandIn()) skip("the official plugin waits for ever");
    const silent = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const inputs = { connection: ssh.connection({ port: (silent.address() as AddressInfo).port }), create: "a" };
    const client = await plugin.start();
    const call = refusal(create({ client }, inputs));
    await once(silent, "connection");
    await client.cancel();
    const cancelled = { code: 1, message: "context canceled" };
    expect(await call).toEqual(cancelled);
    expect(await refusal(create({ client }, inputs))).toEqual(cancelled);
    silent.close();
  });

  it("no SSH connection stays open", async ({ skip }) => {
    if (!isStandIn()) skip("the official plugin keeps them until it ends");
    const client = await plugin.start();
    await client.configure();
    const idle = openSockets(client);
    const through = ssh.connection({ proxy: ssh.connection() });
    await create({ client }, { connection: through, create: "true" });
    await refusal(create({ client }, { connection: through, create: "exit 1" }));
    await refusal(create({ client }, { connection: ssh.connection({ user: "nobody-at-all" }), create: "true" }));
    await expect.poll(() => openSockets(client), { timeout: 5000 }).toBe(idle);
  });
});

const openSockets = ({ pid }: PluginClient): number =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
