/** What remote commands get and give: variables, input, output, errors, and how little stops them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { refusal, type PluginClient, type Properties } from "./pluginClient";
import { LOGS } from "./logs";
import { type PluginUnderTest } from "./plugins";
import { COMMAND, create, forEachPluginWithSsh } from "./ssh";
import { secret } from "./wire";

const UNKNOWN_ERROR = 2;
const INTERNAL = 13;
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const INFO = 1;
const WARNING = 2;
const ERROR = 3;

const directory = mkdtempSync(join(tmpdir(), "remote-commands-"));
const ran = join(directory, "ran");
afterAll(() => rmSync(directory, { recursive: true }));

const MEGABYTE = 1_000_000;
/** More than a host takes before somebody reads it. */
const LARGE = 4 * MEGABYTE;

/** Inputs, stdout, stderr. */
const OUTPUTS: readonly (readonly [string, Properties, string, string?])[] = [
  ["both outputs", { create: "echo out; echo err >&2" }, "out", "err"],
  ["nothing to run", {}, ""],
  ["an empty command", { create: "" }, ""],
  ["one newline is cut off", { create: "printf 'a\\n\\n'" }, "a\n"],
  ["only a newline is", { create: "printf 'a\\r\\n'; printf '\\n ' >&2" }, "a\r", "\n "],
  ["a byte order mark and beyond", { create: "printf '\\357\\273\\277ö\\360\\237\\230\\200'" }, "\ufeffö😀"],
  ["what a background process writes", { create: "(sleep 0.3; echo late) & echo now" }, "now\nlate"],
  ["quotes and dollars", { create: `echo 'a "b" $c' "\\$d" \\\\` }, 'a "b" $c $d \\'],
  ["several lines", { create: "echo a\necho b\n# c\n" }, "a\nb"],
  ["a long command", { create: `echo ${"x".repeat(60_000)} | wc -c` }, "60001"],
  ["no terminal", { create: "test -t 0 || test -t 1 || echo none" }, "none"],

  ["standard input", { create: "cat", stdin: "a\nb" }, "a\nb"],
  ["secret standard input: plain output", { create: "cat", stdin: secret("a") }, "a"],
  ["a megabyte of standard input", { create: "wc -c", stdin: "ö".repeat(MEGABYTE / 2) }, String(MEGABYTE)],
  ["a lot of standard input", { create: "wc -c", stdin: "x".repeat(LARGE) }, String(LARGE)],
  ["a little standard input that is not read", { create: "echo done", stdin: "x" }, "done"],
  ["no standard input: it ends at once", { create: "cat; echo end" }, "end"],
  ["empty standard input is none", { create: "cat; echo end", stdin: "" }, "end"],
  ["no variables", { create: "echo a", environment: {} }, "a"],
];

/** Inputs and the message's beginning; what follows is `: running "<command>":` and the output. */
const FAILURES: readonly (readonly [string, Properties, string, string?])[] = [
  ["a status", { create: "exit 7" }, "Process exited with status 7"],
  ["a high status", { create: "exit 255" }, "Process exited with status 255"],
  ["its output", { create: "echo one; sleep 0.1; echo two >&2; exit 1" }, "Process exited with status 1", "one\ntwo\n"],
  ["bytes that are not text", { create: "printf 'a\\377b'; exit 1" }, "Process exited with status 1", "a\ufffdb"],
  ["a command in quotes", { create: `sh -c 'echo "a\tb"; exit 2'` }, "Process exited with status 2", "a\tb\n"],
  ["a signal", { create: "kill -TERM $$" }, "Process exited with status 143 from signal TERM"],
  ["another signal", { create: "kill -HUP $$" }, "Process exited with status 129 from signal HUP"],
  ["a kill", { create: "kill -KILL $$" }, "Process exited with status 137 from signal KILL"],
  [
    "its connection cut off",
    { create: "echo a; sleep 0.2; kill -9 $PPID; sleep 1" },
    "wait: remote command exited without exit status or exit signal",
    "a\n",
  ],
  [
    "a lot of standard input that is not read, though it ended well",
    { create: "sleep 0.5; echo done", stdin: "x".repeat(LARGE) },
    "EOF",
    "done\n",
  ],
  [
    "a lot of standard input that is read a little",
    { create: "head -c 2; sleep 0.5", stdin: "x".repeat(LARGE) },
    "EOF",
    "xx",
  ],
  [
    "a lot of standard input that is not read, and a status",
    { create: "sleep 0.5; exit 3", stdin: "x".repeat(LARGE) },
    "Process exited with status 3",
  ],
];

const howToSet = (name: string): string =>
  `Unable to set '${name}'. This only works if your SSH server is configured to accept\n` +
  "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could\n" +
  "\tprefix the command itself with the variables in the form 'VAR=value command'";

forEachPluginWithSsh((plugin, ssh) => {
  beforeEach(() => {
    rmSync(ran, { force: true });
    plugin.engine.logs.length = 0;
  });
  const logs = (): [number, string][] => plugin.engine.logs.map(({ severity, message }) => [severity, message]);
  const withConnection = (inputs: Properties): Properties => ({ connection: secret(ssh.connection()), ...inputs });

  describe("create gives", () => {
    for (const [name, inputs, stdout, stderr = ""] of OUTPUTS) {
      it(name, async () => {
        const all = withConnection(inputs);
        const { id, outputs } = await plugin.client.create(all, {}, COMMAND);
        expect(id).toMatch(/^res[0-9a-f]{8}$/);
        expect(outputs).toEqual({ ...all, stdout, stderr });
      });
    }

    it("a megabyte of output", async () => {
      const command = `head -c ${MEGABYTE} /dev/zero | tr '\\0' x; head -c ${MEGABYTE} /dev/zero | tr '\\0' y >&2`;
      const outputs = await create(plugin, withConnection({ create: command, logging: "none" }));
      expect(outputs).toMatchObject({ stdout: "x".repeat(MEGABYTE), stderr: "y".repeat(MEGABYTE) });
    });

    it("many at once", async () => {
      const began = Date.now();
      const commands = Array.from({ length: 10 }, (_, i) =>
        create(plugin, withConnection({ create: `sleep 1; echo ${i}` })),
      );
      expect((await Promise.all(commands)).map(({ stdout }) => stdout)).toEqual(commands.map((_, i) => String(i)));
      expect(Date.now() - began).toBeLessThan(9000);
    });
  });

  describe("create fails with", () => {
    for (const [name, inputs, message, output = ""] of FAILURES) {
      it(name, async () => {
        const expected = `${message}: running ${JSON.stringify(inputs["create"])}:\n${output}`;
        expect(await refusal(create(plugin, withConnection(inputs)))).toEqual({
          code: UNKNOWN_ERROR,
          message: expected,
        });
      });
    }

    it("output that is not text, after it has run", async () => {
      const message = "grpc: error while marshaling: string field contains invalid UTF-8";
      const call = create(plugin, withConnection({ create: `touch ${ran}; printf '\\377'` }));
      expect(await refusal(call)).toEqual({ code: INTERNAL, message });
      expect(existsSync(ran)).toBe(true);
    });
  });

  describe("a host that is sparing", () => {
    const on = async (config: string, inputs: Properties): Promise<Properties> => {
      const sshd = await ssh.site.start({ config: [config] });
      return create(plugin, { connection: ssh.connection({ port: sshd.port }), ...inputs });
    };

    it("takes the variables that it accepts", async () => {
      const environment = { A: "a b", B: secret("$c"), C: "" };
      const { stdout } = await on("AcceptEnv A B C", { create: 'echo "$A-$B-${C-unset}"', environment });
      expect(stdout).toBe("a b-$c-");
    });

    it("refuses a variable: nothing runs, and the engine is told", async () => {
      const inputs = withConnection({ create: `touch ${ran}`, environment: { A: "a" } });
      const message = 'could not set environment variable "A": ssh: setenv failed';
      expect(await refusal(create(plugin, inputs))).toEqual({ code: UNKNOWN_ERROR, message });
      expect(existsSync(ran)).toBe(false);
      expect(plugin.engine.logs).toMatchObject([{ severity: ERROR, message: howToSet("A"), ephemeral: false }]);
    });

    it("has no sessions", async () => {
      const message = "ssh: rejected: connect failed (open failed)";
      expect(await refusal(on("MaxSessions 0", { create: "true" }))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("runs a command of its own", async () => {
      const { stdout } = await on("ForceCommand echo instead of $SSH_ORIGINAL_COMMAND", { create: "a b" });
      expect(stdout).toBe("instead of a b");
    });

    it("shows a banner", async () => {
      const { stdout } = await on("Banner /etc/passwd", { create: "echo a" });
      expect(stdout).toBe("a");
    });
  });

  const old = { create: "echo old", stdout: "out", stderr: "err" };
  const update = (inputs: Properties, state: Properties = {}): Promise<Properties> =>
    plugin.client.update({ ...withConnection(old), ...state }, inputs, {}, COMMAND);

  /** Inputs and what they lead to beside themselves. */
  const UPDATES: readonly (readonly [string, Properties, Properties])[] = [
    ["runs create again", { create: "echo c" }, { stdout: "c", stderr: "" }],
    ["runs update instead", { create: "echo c", update: "echo u" }, { stdout: "u", stderr: "" }],
    ["runs an empty update", { create: "echo c", update: "" }, { stdout: "", stderr: "" }],
    ["runs nothing", { delete: "echo d" }, { stdout: "out", stderr: "err" }],
    ["runs with the new input", { create: "cat", stdin: "new" }, { stdout: "new", stderr: "" }],
  ];

  describe("update", () => {
    for (const [name, inputs, outputs] of UPDATES) {
      it(name, async () => {
        const all = withConnection(inputs);
        expect(await update(all)).toEqual({ ...all, ...outputs });
      });
    }

    const previous = 'echo "[$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR]"';

    it("passes the previous output to a host that accepts it", async () => {
      const { port } = await ssh.site.start({ config: ["AcceptEnv PULUMI_COMMAND_*"] });
      const connection = ssh.connection({ port });
      expect(await update({ connection, create: previous })).toMatchObject({ stdout: "[out|err]" });
      expect(await update({ connection, create: previous, addPreviousOutputInEnv: false })).toMatchObject({
        stdout: "[|]",
      });
      expect(logs().filter(([severity]) => severity !== INFO)).toEqual([]);
    });

    it("warns where it is not accepted, and runs", async () => {
      expect(await update(withConnection({ create: previous }))).toMatchObject({ stdout: "[|]" });
      expect(logs()).toEqual([
        [WARNING, howToSet("PULUMI_COMMAND_STDOUT")],
        [WARNING, howToSet("PULUMI_COMMAND_STDERR")],
        [INFO, "[|]"],
      ]);
    });

    it("does not warn of what is empty or not wanted", async () => {
      await update(withConnection({ create: "true" }), { stdout: "", stderr: "" });
      await update(withConnection({ create: "true", addPreviousOutputInEnv: false }));
      expect(logs()).toEqual([]);
    });

    it("goes to the new host", async () => {
      const other = await ssh.site.start();
      const create = "echo ${SSH_CONNECTION##* }";
      expect(await update({ connection: ssh.connection({ port: other.port }), create })).toMatchObject({
        stdout: String(other.port),
      });
    });
  });

  describe("delete", () => {
    it("runs with the old inputs, on the old host", async () => {
      const state = { ...old, delete: secret(`(cat; echo \${SSH_CONNECTION##* }) > ${ran}`), stdin: "in " };
      await plugin.client.delete(withConnection(state), {}, COMMAND);
      expect(readFileSync(ran, "utf8")).toBe(`in ${ssh.sshd.port}\n`);
    });

    it("does not need a host where there is nothing to run", async () => {
      const state = { ...old, connection: ssh.connection({ host: "no.such.invalid" }) };
      expect(await plugin.client.delete(state, {}, COMMAND)).toBeUndefined();
    });

    it("fails as create does", async () => {
      const state = withConnection({ ...old, delete: "echo no; exit 3" });
      const message = 'Process exited with status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.delete(state, {}, COMMAND))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("does not mind output that is not text", async () => {
      const state = withConnection({ ...old, delete: "printf '\\377'" });
      expect(await plugin.client.delete(state, {}, COMMAND)).toBeUndefined();
    });
  });

  describe("the engine is told", () => {
    for (const [name, options, lines] of LOGS) {
      it(name, async () => {
        await create(plugin, withConnection({ create: "echo out; sleep 0.1; echo err >&2", ...options }));
        expect(logs()).toEqual(lines.map((line) => [INFO, line]));
      });
    }

    it("lines", async () => {
      await create(plugin, withConnection({ create: "printf 'a\\n\\nb\\r\\n\\tö'" }));
      expect(logs().map(([, line]) => line)).toEqual(["a", "", "b", "\tö"]);
    });

    it("many lines in order", async () => {
      await create(plugin, withConnection({ create: "seq 500" }));
      expect(logs().map(([, line]) => line)).toEqual(Array.from({ length: 500 }, (_, i) => String(i + 1)));
    });

    it("while the command runs", async () => {
      const call = create(plugin, withConnection({ create: "echo a; sleep 2; echo b" }));
      await expect.poll(() => logs().length, { timeout: 1900 }).toBe(1);
      expect(plugin.engine.logs[0]).toEqual({
        severity: INFO,
        message: "a",
        urn: COMMAND,
        streamid: 0,
        ephemeral: true,
      });
      await call;
    });
  });

  describe("a command that runs goes on", () => {
    const started = `echo started; sleep 1; touch ${ran}; echo b`;
    const running = (): Promise<void> => expect.poll(() => logs().length, { interval: 20, timeout: 10_000 }).toBe(1);

    it("after a cancel", async () => {
      const client = await fresh(plugin);
      const call = create({ client }, withConnection({ create: started }));
      await running();
      await client.cancel();
      expect(await call).toMatchObject({ stdout: "started\nb" });
    });

    it("after its time-out", async () => {
      const call = create(plugin, withConnection({ create: "echo a; sleep 2; echo b" }), { timeout: 1 });
      expect(await call).toMatchObject({ stdout: "a\nb" });
    });

    it("when the engine has given it up", async () => {
      const engine = new AbortController();
      const call = refusal(create(plugin, withConnection({ create: started }), { signal: engine.signal }));
      await running();
      engine.abort();
      expect((await call).code).toBe(CANCELLED);
      await expect.poll(() => existsSync(ran), { timeout: 5000 }).toBe(true);
    });
  });

  it("a command is begun after a cancel, too", async () => {
    const client = await fresh(plugin);
    await client.cancel();
    expect(await create({ client }, withConnection({ create: "echo a" }))).toMatchObject({ stdout: "a" });
  });

  it("a time-out of less than a second is none to a host that answers", async () => {
    expect(await create(plugin, withConnection({ create: "echo a" }), { timeout: 0.5 })).toMatchObject({ stdout: "a" });
  });

  describe("no more tries are made", () => {
    const unreachable = (): Properties => ({
      connection: ssh.connection({ port: 1, dialErrorLimit: -1 }),
      create: "a",
    });

    it("after a cancel", async () => {
      const client = await fresh(plugin);
      const call = refusal(create({ client }, unreachable()));
      await sleep(500);
      await client.cancel();
      expect(await call).toEqual({ code: CANCELLED, message: "context canceled" });
      expect(await refusal(create({ client }, unreachable()))).toEqual({
        code: CANCELLED,
        message: "context canceled",
      });
    });

    it("after the time-out", async () => {
      const began = Date.now();
      const message = "context deadline exceeded";
      expect(await refusal(create(plugin, unreachable(), { timeout: 1 }))).toEqual({
        code: DEADLINE_EXCEEDED,
        message,
      });
      expect(Date.now() - began).toBeLessThan(1900);
    });
  });
});

/** A plugin of the test's own, as a cancelled one makes no more tries. */
async function fresh(plugin: PluginUnderTest): Promise<PluginClient> {
  const client = await plugin.start({ engineAddress: plugin.engine.address });
  await client.configure();
  return client;
}
