/** What the stand-in does otherwise than the official plugin, and means to. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildCommandPlugin } from "../../toolchain/command-plugin/build";
import { PluginClient, refusal } from "./pluginClient";
import { forStandIn } from "./plugins";
import { COMMAND } from "./ssh";
import { output, secret, UNKNOWN } from "./wire";

const NOT_FOUND = 5;
const INSTALL = "install it with: pulumi plugin install resource command 1.2.1";

const directory = mkdtempSync(join(tmpdir(), "stand-in-"));
afterAll(() => rmSync(directory, { recursive: true }));

forStandIn((plugin) => {
  const notHere = (token: string): object => ({
    code: NOT_FOUND,
    message:
      `the stand-in for the command plugin has only command:local:Command, command:remote:Command, not ${token}. ` +
      `That needs the official plugin; ${INSTALL}`,
  });

  it("refuses other resource types", async () => {
    const type = "command:remote:CopyToRemote";
    const urn = `urn:pulumi:dev::p::${type}::a`;
    expect(await refusal(plugin.client.check({}, urn))).toEqual(notHere(type));
    expect(await refusal(plugin.client.create({}, {}, urn))).toEqual(notHere(type));
    expect(await refusal(plugin.client.delete({}, {}, urn))).toEqual(notHere(type));
  });

  it("refuses to run commands outside resources", async () => {
    expect(await refusal(plugin.client.invoke("command:local:run", { command: "true" }))).toEqual(
      notHere("command:local:run"),
    );
  });

  it("refuses to collect files", async () => {
    expect((await plugin.client.check({ assetPaths: ["*"], archivePaths: UNKNOWN })).failures).toEqual({
      assetPaths: `assetPaths needs the official command plugin; ${INSTALL}`,
      archivePaths: `archivePaths needs the official command plugin; ${INSTALL}`,
    });
  });

  it("logs lines of any length", async () => {
    plugin.engine.logs.length = 0;
    const { outputs } = await plugin.client.create({
      create: "head -c 200000 /dev/zero | tr '\\0' x; echo; echo more",
    });
    expect(outputs["stdout"]).toHaveLength(200_005);
    expect(plugin.engine.logs.map(({ message }) => message.length)).toEqual([200_000, 4]);
  });

  it("keeps secrets in triggers where they are", async () => {
    const inputs = { triggers: [{ a: { b: secret(1), c: secret(2), d: 3 } }] };
    expect((await plugin.client.check(inputs)).inputs).toEqual(inputs);
  });

  it("lets a trigger be secret and unknown", async () => {
    const { inputs } = await plugin.client.check({ triggers: [secret(UNKNOWN)] });
    expect(inputs).toEqual({ triggers: [output({ secret: true })] });
  });

  it("refuses null in a list of strings", async () => {
    const reason = "Field 'interpreter[1]' on 'local.CommandInputs' must be a 'string'; got 'null' instead";
    expect((await plugin.client.check({ interpreter: ["a", null] })).failures).toEqual({ "interpreter[1]": reason });
  });

  it("tells a long error", async () => {
    const { message } = await refusal(plugin.client.create({ create: "head -c 40000 /dev/zero | tr '\\0' x; exit 1" }));
    expect(message.endsWith("x".repeat(40_000))).toBe(true);
  });

  it("leaves nothing behind", async () => {
    const pipes = join(directory, "tmp");
    mkdirSync(pipes);
    const other = await plugin.start({ env: { TMPDIR: pipes } });
    const openFiles = (): string => execFileSync("ls", [`/proc/${other.pid}/fd`]).toString();
    await other.create({ create: "cat", stdin: "a" });
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      await other.create({ create: "cat", stdin: "a" });
      await refusal(other.create({ create: "x", interpreter: ["/no/such"], stdin: "a" }));
    }
    expect(openFiles()).toBe(before);
    expect(execFileSync("ls", [pipes]).toString()).toBe("");
  });

  it("ends when its engine was killed", async () => {
    // A shell in the engine's place: starts the plugin, tells its pid, stays.
    const script = '"$0" 127.0.0.1:1 & echo $! > "$1"; sleep 60';
    const file = join(directory, "pid");
    const engine = spawn("sh", ["-c", script, plugin.executable, file], { stdio: "ignore", detached: true });
    await expect.poll(() => existsSync(file) && readFileSync(file, "utf8"), { timeout: 5000 }).toMatch(/\d\n/);
    const pid = Number(readFileSync(file, "utf8"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    engine.kill("SIGKILL");
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 15_000, interval: 200 }).toBe(false);
  }, 30_000);
});

describe("the executable", () => {
  it("loads what needs SSH only for another host", async () => {
    const directoryWithout = join(directory, "without");
    const executable = buildCommandPlugin(directoryWithout);
    rmSync(join(directoryWithout, "remote.js"));
    const client = await PluginClient.start(executable);
    const connection = { host: "127.0.0.1", port: 1, dialErrorLimit: 0 };
    const state = { connection, stdout: "", stderr: "" };
    expect((await client.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
    expect((await client.check({ connection }, COMMAND)).failures).toEqual({});
    await client.diff(state, { connection }, { connection, create: "a" }, {}, COMMAND);
    await client.create({ connection, create: "a" }, { preview: true }, COMMAND);
    await client.delete(state, {}, COMMAND);
    expect((await refusal(client.create({ connection, create: "a" }, {}, COMMAND))).message).toContain("./remote");
    await client.stop();
  });

  it("may be linked to, and may lie where files are modules", async () => {
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    const link = join(directory, "link");
    symlinkSync(buildCommandPlugin(join(directory, "bin")), link);
    const client = await PluginClient.start(link, { cwd: "/" });
    expect((await client.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
    await client.stop();
  });

  it("may be run by a Node in a directory with a space", async () => {
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
