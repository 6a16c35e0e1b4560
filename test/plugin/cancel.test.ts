/** How commands are stopped: by Cancel, by their time-out, by the engine's end. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { refusal, type PluginClient } from "./pluginClient";
import { forEachPlugin, type PluginUnderTest } from "./plugins";

const CANCELLED = 1;
const UNKNOWN_ERROR = 2;
const DEADLINE_EXCEEDED = 4;

const directory = mkdtempSync(join(tmpdir(), "cancel-"));
const started = join(directory, "started");
beforeEach(() => rmSync(started, { force: true }));
afterAll(() => rmSync(directory, { recursive: true }));

const hasStarted = async (): Promise<void> => {
  await expect.poll(() => existsSync(started) && readFileSync(started, "utf8"), { interval: 20 }).toMatch(/\d\n/);
};
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const startedPid = (): number => Number(readFileSync(started, "utf8"));

/** A plugin of the test's own, as a cancelled one is of no more use. */
async function fresh(plugin: PluginUnderTest): Promise<PluginClient> {
  const client = await plugin.start({ engineAddress: plugin.engine.address });
  await client.configure();
  return client;
}

forEachPlugin((plugin) => {
  it("cancel kills a command at once", async () => {
    const client = await fresh(plugin);
    const command = `echo a; echo $$ > ${started}; exec sleep 60`;
    const call = refusal(client.create({ create: command }));
    await hasStarted();
    await client.cancel();
    const message = `signal: killed: running ${JSON.stringify(command)}:\na\n`;
    expect(await call).toEqual({ code: UNKNOWN_ERROR, message });
    expect(isAlive(startedPid())).toBe(false);
  });

  it("cancel kills the shell, and waits for what it has started", async () => {
    const client = await fresh(plugin);
    const command = `echo $$ > ${started}; (sleep 1; echo late); echo never`;
    const call = refusal(client.create({ create: command }));
    await hasStarted();
    await client.cancel();
    const message = `signal: killed: running ${JSON.stringify(command)}:\nlate\n`;
    expect(await call).toEqual({ code: UNKNOWN_ERROR, message });
  });

  it("cancel does not wait for what holds no output", async () => {
    const client = await fresh(plugin);
    const call = refusal(client.create({ create: `(sleep 30 >/dev/null 2>&1 & echo $! > ${started}); exec sleep 60` }));
    await hasStarted();
    await client.cancel();
    expect((await call).message).toContain("signal: killed");
    expect(isAlive(startedPid())).toBe(true);
    process.kill(startedPid());
  });

  it("cancel comes too late for a command that has ended but for its output", async () => {
    const client = await fresh(plugin);
    const call = client.create({ create: `(echo $$ > ${started}; sleep 1; echo late) & :` });
    await hasStarted();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.cancel();
    expect((await call).outputs).toMatchObject({ stdout: "late" });
  });

  it("cancel stops updates and deletes as well", async () => {
    const client = await fresh(plugin);
    const state = { delete: `echo $$ > ${started}; exec sleep 60`, stdout: "", stderr: "" };
    const calls = [refusal(client.delete(state)), refusal(client.update(state, { create: "exec sleep 60" }))];
    await hasStarted();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.cancel();
    for (const { message } of await Promise.all(calls)) expect(message).toContain("signal: killed");
  });

  it("after a cancel no command is started, all else works", async () => {
    const client = await fresh(plugin);
    await client.cancel();
    const reason = { code: CANCELLED, message: `context canceled: running "touch ${started}":\n` };
    const state = { delete: `touch ${started}`, stdout: "", stderr: "" };
    expect(await refusal(client.create({ create: `touch ${started}` }))).toEqual(reason);
    expect(await refusal(client.delete(state))).toEqual(reason);
    expect(existsSync(started)).toBe(false);
    expect((await client.create({})).outputs).toEqual({ stdout: "", stderr: "" });
    expect((await client.check({ create: "a" })).failures).toEqual({});
    await client.cancel();
  });

  it("a time-out kills", async () => {
    const call = plugin.client.create({ create: "exec sleep 60" }, { timeout: 1.9 });
    const began = Date.now();
    expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message: 'signal: killed: running "exec sleep 60":\n' });
    expect(Date.now() - began).toBeLessThan(1900);
  });

  it("a time-out of less than a second is over before it begins", async () => {
    const call = plugin.client.create({ create: "true" }, { timeout: 0.9 });
    const message = 'context deadline exceeded: running "true":\n';
    expect(await refusal(call)).toEqual({ code: DEADLINE_EXCEEDED, message });
  });

  it("a long time-out is one", async () => {
    expect((await plugin.client.create({ create: "echo a" }, { timeout: 1e8 })).outputs).toMatchObject({ stdout: "a" });
  });

  it("an engine that is gone takes its commands along", async () => {
    const engine = new AbortController();
    const inputs = { create: `echo $$ > ${started}; exec sleep 60` };
    const call = refusal(plugin.client.create(inputs, { signal: engine.signal }));
    await hasStarted();
    expect(isAlive(startedPid())).toBe(true);
    engine.abort();
    expect((await call).code).toBe(CANCELLED);
    await expect.poll(() => isAlive(startedPid()), { timeout: 5000 }).toBe(false);
  });
});
