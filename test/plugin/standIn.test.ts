/** What the stand-in does otherwise than the official plugin, and means to. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { buildCommandPlugin } from "../../toolchain/command-plugin/build";
import { PluginClient, refusal, URN, type Properties } from "./pluginClient";
import { forStandIn } from "./plugins";
import { COMMAND } from "./ssh";
import { asset, output, secret, UNKNOWN } from "./wire";

const UNKNOWN_ERROR = 2;
const NOT_FOUND = 5;
const notHere = (what: string): string =>
  `the stand-in for the command plugin has ${what}; install the official one, which has more: ` +
  "pulumi plugin install resource command 1.2.1";

/** More than fits into a variable, or into an error. */
const LONG = "x".repeat(200_000);

const directory = mkdtempSync(join(tmpdir(), "stand-in-"));
afterAll(() => rmSync(directory, { recursive: true }));

forStandIn((plugin) => {
  const noType = (token: string): object => ({
    code: NOT_FOUND,
    message: notHere(`only command:local:Command and command:remote:Command, not ${token}`),
  });

  it("the stand-in refuses other resource types", async () => {
    const type = "command:remote:CopyToRemote";
    const urn = `urn:pulumi:dev::p::${type}::a`;
    expect(await refusal(plugin.client.check({}, urn))).toEqual(noType(type));
    expect(await refusal(plugin.client.create({}, {}, urn))).toEqual(noType(type));
    expect(await refusal(plugin.client.delete({}, {}, urn))).toEqual(noType(type));
  });

  it("the stand-in refuses to run commands outside resources", async () => {
    const call = plugin.client.invoke("command:local:run", { command: "true" });
    expect(await refusal(call)).toEqual(noType("command:local:run"));
  });

  const LOCAL = { create: "a" };
  const REMOTE = { connection: { host: "h" }, addPreviousOutputInEnv: false };

  it.each<[string, Properties, string]>([
    ...["update", "interpreter", "dir", "environment", "assetPaths", "archivePaths"].map(
      (name): [string, Properties, string] => [name, { ...LOCAL, [name]: UNKNOWN }, URN],
    ),
    ["update", { ...REMOTE, update: "a" }, COMMAND],
    ["environment", { ...REMOTE, environment: {} }, COMMAND],
  ])("the stand-in has no %s", async (name, inputs, urn) => {
    expect((await plugin.client.check(inputs, urn)).failures).toEqual({ [name]: notHere(`no ${name}`) });
  });

  it("the stand-in gives up endless output", async () => {
    const call = plugin.client.create({ create: "head -c 70000000 /dev/zero", logging: "none" }, {});
    expect(await refusal(call)).toMatchObject({
      code: UNKNOWN_ERROR,
      message: expect.stringContaining('more than 64 MB of output: running "head -c') as string,
    });
  });

  it("the stand-in logs all or nothing", async () => {
    const logging = notHere("logging only as none");
    expect((await plugin.client.check({ ...LOCAL, logging: "stdout" })).failures).toEqual({ logging });
    expect((await plugin.client.check({ ...REMOTE, logging: "stdout" }, COMMAND)).failures).toEqual({ logging });
  });

  it("the stand-in refuses variables for another host", async () => {
    const { connection } = REMOTE;
    const failures = { addPreviousOutputInEnv: notHere("addPreviousOutputInEnv only as false") };
    expect((await plugin.client.check({ connection }, COMMAND)).failures).toEqual(failures);
    const inputs = { ...REMOTE, addPreviousOutputInEnv: true };
    expect((await plugin.client.check(inputs, COMMAND)).failures).toEqual(failures);
  });

  it("the stand-in runs no command of a state with more inputs, which the official plugin wrote", async () => {
    const ran = join(directory, "ran");
    const state = { delete: `touch ${ran}`, environment: { A: "a" }, stdout: "", stderr: "" };
    const message = `1 failures decoding:\n\tenvironment: ${notHere("no environment")}`;
    const refused = { code: UNKNOWN_ERROR, message };
    expect(await refusal(plugin.client.delete(state))).toEqual(refused);
    expect(await refusal(plugin.client.update(state, { create: `touch ${ran}` }))).toEqual(refused);
    expect(existsSync(ran)).toBe(false);
  });

  it("the stand-in refuses an asset", async () => {
    const message = notHere("no assets, archives or references to resources, as in triggers");
    const call = plugin.client.check({ triggers: [asset({ text: "a" })] });
    expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message });
  });

  it("the stand-in refuses a time-out", async () => {
    const call = plugin.client.create({ create: "true" }, { timeout: 1 });
    expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message: notHere("no customTimeouts") });
  });

  it("the stand-in logs lines of any length", async () => {
    plugin.engine.logs.length = 0;
    const { outputs } = await plugin.client.create({
      create: "head -c 200000 /dev/zero | tr '\\0' x; echo; echo more",
    });
    expect(outputs["stdout"]).toHaveLength(200_005);
    expect(plugin.engine.logs.map(({ message }) => message.length)).toEqual([200_000, 4]);
  });

  it("the stand-in keeps secrets inside triggers", async () => {
    const inputs = { triggers: ["a", secret("b")] };
    expect((await plugin.client.check(inputs)).inputs).toEqual(inputs);
  });

  it("the stand-in accepts a trigger that is secret and unknown", async () => {
    const { inputs } = await plugin.client.check({ triggers: [secret(UNKNOWN)] });
    expect(inputs).toEqual({ triggers: [output({ secret: true })] });
  });

  it("the stand-in shows a long error", async () => {
    const { message } = await refusal(plugin.client.create({ create: "head -c 40000 /dev/zero | tr '\\0' x; exit 1" }));
    expect(message.endsWith("x".repeat(40_000))).toBe(true);
  });

  it("the stand-in shows the beginning and end of a very long error", async () => {
    const { message } = await refusal(plugin.client.create({ create: "echo $0; cat >&2; exit 1", stdin: LONG }));
    expect(message.startsWith('exit status 1: running "echo $0; cat >&2; exit 1":\n/bin/sh\nx')).toBe(true);
    expect(message.endsWith("x".repeat(15_000))).toBe(true);
  });

  it("the stand-in leaves nothing behind", async () => {
    const pipes = join(directory, "tmp");
    mkdirSync(pipes);
    const other = await plugin.start({ env: { TMPDIR: pipes } });
    const openFiles = (): string => execFileSync("ls", [`/proc/${other.pid}/fd`]).toString();
    await other.create({ create: "cat", stdin: "a" });
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      await other.create({ create: "cat", stdin: "a" });
      const { message } = await refusal(other.update({ stdout: LONG, stderr: "" }, { create: "cat", stdin: "a" }));
      expect(message).toMatch(/^fork\/exec /);
    }
    expect(openFiles()).toBe(before);
    expect(execFileSync("ls", [pipes]).toString()).toBe("");
  });

  it("the stand-in exits when its engine was killed", async () => {
    // A shell in the engine's place: starts the plugin, which tells its port, and stays.
    const script = '"$0" 127.0.0.1:1 > "$1/port" & echo $! > "$1/pid"; exec sleep 60';
    const engine = spawn("sh", ["-c", script, plugin.executable, directory], { stdio: "ignore", detached: true });
    const told = (name: string): string =>
      existsSync(join(directory, name)) ? readFileSync(join(directory, name), "utf8") : "";
    await expect.poll(() => told("port"), { interval: 20, timeout: 5000 }).toMatch(/\d\n/);
    const pid = Number(told("pid"));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    engine.kill("SIGKILL");
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 15_000, interval: 50 }).toBe(false);
  });
});

describe("the executable", () => {
  const copyOfStandIn = (name: string): string => {
    const executable = inject("standIn");
    cpSync(dirname(executable), join(directory, name), { recursive: true });
    return join(directory, name, basename(executable));
  };

  it("the executable loads its SSH client only for another host", async () => {
    const executable = copyOfStandIn("without");
    rmSync(join(dirname(executable), "remote.js"));
    const client = await PluginClient.start(executable);
    const inputs = { connection: { host: "127.0.0.1", port: 1, dialErrorLimit: 0 }, addPreviousOutputInEnv: false };
    const state = { ...inputs, stdout: "", stderr: "" };
    expect((await client.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
    expect((await client.check(inputs, COMMAND)).failures).toEqual({});
    await client.diff(state, inputs, { ...inputs, create: "a" }, COMMAND);
    await client.create({ ...inputs, create: "a" }, { preview: true }, COMMAND);
    await client.delete(state, {}, COMMAND);
    expect((await refusal(client.create({ ...inputs, create: "a" }, {}, COMMAND))).message).toContain("./remote");
    await client.stop();
  });

  it("the executable works behind a link, and in a folder of ES modules", async () => {
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    const link = join(directory, "link");
    symlinkSync(copyOfStandIn("bin"), link);
    const client = await PluginClient.start(link, { cwd: "/" });
    expect((await client.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
    await client.stop();
  });

  it("the executable works with a Node.js in a directory with a space", async () => {
    const odd = join(directory, "it's a node");
    mkdirSync(odd);
    symlinkSync(process.execPath, join(odd, "node"));
    const { execPath } = process;
    process.execPath = join(odd, "node");
    const executable = buildCommandPlugin(join(directory, "odd"));
    process.execPath = execPath;
    const client = await PluginClient.start(executable, { env: { PATH: "/nowhere" } });
    expect((await client.create({})).outputs).toEqual({ stdout: "", stderr: "" });
    await client.stop();
  });
});
