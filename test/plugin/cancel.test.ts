/** How commands are stopped: by Cancel, by the engine's end. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { refusal } from "./pluginClient";
import { forEachPlugin } from "./plugins";

const CANCELLED = 1;
const UNKNOWN_ERROR = 2;
const POLL = { interval: 20, timeout: 5000 };

const directory = mkdtempSync(join(tmpdir(), "cancel-"));
const started = join(directory, "started");
const another = join(directory, "another");
beforeEach(() => [started, another].forEach((file) => rmSync(file, { force: true })));
afterAll(() => rmSync(directory, { recursive: true }));

const hasStarted = async (file = started): Promise<void> => {
  await expect.poll(() => existsSync(file) && readFileSync(file, "utf8"), POLL).toMatch(/\d\n/);
};
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const startedPid = (): number => Number(readFileSync(started, "utf8"));

forEachPlugin((plugin) => {
  it("cancel kills a command at once", async () => {
    const client = await plugin.fresh();
    const command = `echo a; echo $$ > ${started}; exec sleep 60`;
    const call = refusal(client.create({ create: command }));
    await hasStarted();
    await client.cancel();
    const message = `signal: killed: running ${JSON.stringify(command)}:\na\n`;
    expect(await call).toEqual({ code: UNKNOWN_ERROR, message });
    expect(isAlive(startedPid())).toBe(false);
  });

  it("cancel kills the shell, and waits for what it has started", async () => {
    const client = await plugin.fresh();
    const command = `echo $$ > ${started}; (sleep 0.4; echo late); echo never`;
    const call = refusal(client.create({ create: command }));
    await hasStarted();
    await client.cancel();
    const message = `signal: killed: running ${JSON.stringify(command)}:\nlate\n`;
    expect(await call).toEqual({ code: UNKNOWN_ERROR, message });
  });

  it("cancel does not wait for what holds no output", async () => {
    const client = await plugin.fresh();
    const call = refusal(client.create({ create: `(sleep 30 >/dev/null 2>&1 & echo $! > ${started}); exec sleep 60` }));
    await hasStarted();
    await client.cancel();
    expect((await call).message).toContain("signal: killed");
    expect(isAlive(startedPid())).toBe(true);
    process.kill(startedPid());
  });

  it("cancel does not affect a command that has ended and whose output is still open", async () => {
    const client = await plugin.fresh();
    const goOn = `while ! test -e ${another}; do sleep 0.05; done`;
    const call = client.create({ create: `echo $$ > ${started}; (${goOn}; echo late) & :` });
    await hasStarted();
    await expect.poll(() => isAlive(startedPid()), POLL).toBe(false);
    await client.cancel();
    writeFileSync(another, "");
    expect((await call).outputs).toMatchObject({ stdout: "late" });
  });

  it("cancel stops updates and deletes as well", async () => {
    const client = await plugin.fresh();
    const state = { delete: `echo $$ > ${started}; exec sleep 60`, stdout: "", stderr: "" };
    const inputs = { create: `echo $$ > ${another}; exec sleep 60` };
    const calls = [refusal(client.delete(state)), refusal(client.update(state, inputs))];
    await hasStarted();
    await hasStarted(another);
    await client.cancel();
    for (const { message } of await Promise.all(calls)) expect(message).toContain("signal: killed");
  });

  it("after a cancel no command is started, and everything else works", async () => {
    const client = await plugin.fresh();
    await client.cancel();
    const reason = { code: CANCELLED, message: `context canceled: running "touch ${started}":\n` };
    const state = { delete: `touch ${started}`, stdout: "", stderr: "" };
    expect(await refusal(client.create({ create: `touch ${started}` }))).toEqual(reason);
    expect(await refusal(client.delete(state))).toEqual(reason);
    expect(existsSync(started)).toBe(false);
    expect((await client.check({ create: "a" })).failures).toEqual({});
    await client.cancel();
  });

  it("commands end with their engine", async () => {
    const engine = new AbortController();
    const inputs = { create: `echo $$ > ${started}; exec sleep 60` };
    const call = refusal(plugin.client.create(inputs, { signal: engine.signal }));
    await hasStarted();
    expect(isAlive(startedPid())).toBe(true);
    engine.abort();
    expect((await call).code).toBe(CANCELLED);
    await expect.poll(() => isAlive(startedPid()), POLL).toBe(false);
  });
});
