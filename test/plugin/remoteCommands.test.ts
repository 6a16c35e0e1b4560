/** What remote commands get and give: input, output, errors, and how little stops them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { refusal, type Properties } from "./pluginClient";
import { LOGS } from "./logs";
import { COMMAND, create, forEachPluginWithSsh } from "./ssh";
import { secret } from "./wire";

const UNKNOWN_ERROR = 2;
const CANCELLED = 1;
const INFO = 1;

const directory = mkdtempSync(join(tmpdir(), "remote-commands-"));
const ran = join(directory, "ran");
const goOn = join(directory, "go-on");
const untilToldTo = `while ! test -e ${goOn}; do sleep 0.05; done`;
afterAll(() => rmSync(directory, { recursive: true }));

const MEGABYTE = 1_000_000;
/** More than a host takes before somebody reads it. */
const LARGE = 4 * MEGABYTE;

/** Inputs, stdout, stderr. */
const OUTPUTS: readonly (readonly [string, Properties, string, string?])[] = [
  ["both outputs", { create: "echo out; echo err >&2" }, "out", "err"],
  ["one newline is cut off", { create: "printf 'a\\n\\n'" }, "a\n"],
  ["a byte order mark and beyond", { create: "printf '\\357\\273\\277ö\\360\\237\\230\\200'" }, "\ufeffö😀"],
  ["what a background process writes", { create: "(sleep 0.1; echo late) & echo now" }, "now\nlate"],
  ["quotes and dollars", { create: `echo 'a "b" $c' "\\$d" \\\\` }, 'a "b" $c $d \\'],
  ["several lines", { create: "echo a\necho b\n# c\n" }, "a\nb"],
  ["no terminal", { create: "test -t 0 || test -t 1 || echo none" }, "none"],

  ["standard input", { create: "cat", stdin: "a\nb" }, "a\nb"],
  ["secret standard input: plain output", { create: "cat", stdin: secret("a") }, "a"],
  ["a lot of standard input", { create: "wc -c", stdin: "ö".repeat(LARGE / 2) }, String(LARGE)],
  ["a little standard input that is not read", { create: "echo done", stdin: "x" }, "done"],
];

/** Inputs and the message's beginning; what follows is `: running "<command>":` and the output. */
const FAILURES: readonly (readonly [string, Properties, string, string?])[] = [
  [
    "a status and its output",
    { create: "echo one; sleep 0.1; echo two >&2; exit 7" },
    "Process exited with status 7",
    "one\ntwo\n",
  ],
  ["bytes that are not text", { create: "printf 'a\\377b'; exit 1" }, "Process exited with status 1", "a\ufffdb"],
  ["a signal", { create: "kill -TERM $$" }, "Process exited with status 143 from signal TERM"],
  ["a kill", { create: "kill -KILL $$" }, "Process exited with status 137 from signal KILL"],
  [
    "its connection cut off",
    { create: "echo a; sleep 0.2; kill -9 $PPID; sleep 1" },
    "wait: remote command exited without exit status or exit signal",
    "a\n",
  ],
  [
    "a lot of standard input that is not read, though it ended well",
    { create: "sleep 0.2; echo done", stdin: "x".repeat(LARGE) },
    "EOF",
    "done\n",
  ],
  [
    "a lot of standard input that is not read, and a status",
    { create: "sleep 0.2; exit 3", stdin: "x".repeat(LARGE) },
    "Process exited with status 3",
  ],
];

forEachPluginWithSsh((plugin, ssh) => {
  beforeEach(() => {
    [ran, goOn].forEach((file) => rmSync(file, { force: true }));
    plugin.engine.logs.length = 0;
  });
  const logs = (): [number, string][] => plugin.engine.logs.map(({ severity, message }) => [severity, message]);
  const withConnection = (inputs: Properties): Properties => ({
    connection: secret(ssh.connection()),
    addPreviousOutputInEnv: false,
    ...inputs,
  });

  describe("create gives", () => {
    for (const [name, inputs, stdout, stderr = ""] of OUTPUTS) {
      it(`create over SSH gives ${name}`, async () => {
        const all = withConnection(inputs);
        const { id, outputs } = await plugin.client.create(all, {}, COMMAND);
        expect(id).toMatch(/^res[0-9a-f]{8}$/);
        expect(outputs).toEqual({ ...all, stdout, stderr });
      });
    }

    it("create over SSH gives a megabyte of output", async () => {
      const command = `head -c ${MEGABYTE} /dev/zero | tr '\\0' x; head -c ${MEGABYTE} /dev/zero | tr '\\0' y >&2`;
      const outputs = await create(plugin, withConnection({ create: command, logging: "none" }));
      expect(outputs).toMatchObject({ stdout: "x".repeat(MEGABYTE), stderr: "y".repeat(MEGABYTE) });
    });

    it("many creates over SSH run at once", async () => {
      const began = Date.now();
      const commands = Array.from({ length: 10 }, (_, i) =>
        create(plugin, withConnection({ create: `sleep 0.5; echo ${i}` })),
      );
      expect((await Promise.all(commands)).map(({ stdout }) => stdout)).toEqual(commands.map((_, i) => String(i)));
      expect(Date.now() - began).toBeLessThan(4500);
    });
  });

  describe("create fails with", () => {
    for (const [name, inputs, message, output = ""] of FAILURES) {
      it(`create over SSH fails with ${name}`, async () => {
        const expected = `${message}: running ${JSON.stringify(inputs["create"])}:\n${output}`;
        expect(await refusal(create(plugin, withConnection(inputs)))).toEqual({
          code: UNKNOWN_ERROR,
          message: expected,
        });
      });
    }
  });

  describe("a host of its own kind", () => {
    const on = async (config: string, inputs: Properties): Promise<Properties> => {
      const sshd = await ssh.site.start({ config: [config] });
      return create(plugin, { ...inputs, connection: ssh.connection({ port: sshd.port }) });
    };

    it("create fails on a host that refuses sessions", async () => {
      const message = "ssh: rejected: connect failed (open failed)";
      expect(await refusal(on("MaxSessions 0", { create: "true" }))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("a host's banner is not part of the output", async () => {
      const { stdout } = await on("Banner /etc/passwd", { create: "echo a" });
      expect(stdout).toBe("a");
    });
  });

  const old = { create: "echo old", stdout: "out", stderr: "err" };
  const update = (inputs: Properties): Promise<Properties> =>
    plugin.client.update(withConnection(old), inputs, {}, COMMAND);

  describe("update", () => {
    it("update over SSH runs create again, with the new input", async () => {
      const inputs = withConnection({ create: "cat; echo $PULUMI_COMMAND_STDOUT", stdin: "new" });
      expect(await update(inputs)).toEqual({ ...inputs, stdout: "new", stderr: "" });
      expect(logs()).toEqual([[INFO, "new"]]);
    });

    it("update over SSH goes to the new host", async () => {
      const other = await ssh.site.start();
      const inputs = withConnection({ create: "echo ${SSH_CONNECTION##* }" });
      expect(await update({ ...inputs, connection: ssh.connection({ port: other.port }) })).toMatchObject({
        stdout: String(other.port),
      });
    });
  });

  describe("delete", () => {
    it("delete over SSH runs with the old inputs, on the old host", async () => {
      const state = { ...old, delete: secret(`(cat; echo \${SSH_CONNECTION##* }) > ${ran}`), stdin: "in " };
      await plugin.client.delete(withConnection(state), {}, COMMAND);
      expect(readFileSync(ran, "utf8")).toBe(`in ${ssh.sshd.port}\n`);
    });

    it("delete over SSH needs no host where it has no command", async () => {
      const state = withConnection({ ...old, connection: ssh.connection({ host: "no.such.invalid" }) });
      expect(await plugin.client.delete(state, {}, COMMAND)).toBeUndefined();
    });

    it("delete over SSH fails as create does", async () => {
      const state = withConnection({ ...old, delete: "echo no; exit 3" });
      const message = 'Process exited with status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.delete(state, {}, COMMAND))).toEqual({ code: UNKNOWN_ERROR, message });
    });
  });

  describe("the engine is told", () => {
    for (const [name, options, lines] of LOGS) {
      it(`the engine gets, of a remote command, ${name}`, async () => {
        await create(plugin, withConnection({ create: "echo out; sleep 0.1; echo err >&2", ...options }));
        expect(logs()).toEqual(lines.map((line) => [INFO, line]));
      });
    }

    it("the engine gets lines of a remote command while it runs", async () => {
      const call = create(plugin, withConnection({ create: `echo a; ${untilToldTo}; echo b` }));
      await expect.poll(() => logs().length, { interval: 20, timeout: 5000 }).toBe(1);
      expect(plugin.engine.logs[0]).toEqual({
        severity: INFO,
        message: "a",
        urn: COMMAND,
        streamid: 0,
        ephemeral: true,
      });
      writeFileSync(goOn, "");
      expect(await call).toMatchObject({ stdout: "a\nb" });
    });
  });

  describe("a command that runs goes on", () => {
    const started = `echo started; ${untilToldTo}; touch ${ran}; echo b`;
    const running = (): Promise<void> => expect.poll(() => logs().length, { interval: 20, timeout: 10_000 }).toBe(1);

    it("a running remote command continues after a cancel", async () => {
      const client = await plugin.fresh();
      const call = create({ client }, withConnection({ create: started }));
      await running();
      await client.cancel();
      writeFileSync(goOn, "");
      expect(await call).toMatchObject({ stdout: "started\nb" });
    });

    it("a running remote command continues when the engine has given up the call", async () => {
      const engine = new AbortController();
      const call = refusal(create(plugin, withConnection({ create: started }), { signal: engine.signal }));
      await running();
      engine.abort();
      expect((await call).code).toBe(CANCELLED);
      writeFileSync(goOn, "");
      await expect.poll(() => existsSync(ran), { interval: 20, timeout: 5000 }).toBe(true);
    });
  });

  it("no connection is tried again after a cancel", async () => {
    const unreachable = { connection: ssh.connection({ port: 1, dialErrorLimit: -1 }), create: "a" };
    const cancelled = { code: CANCELLED, message: "context canceled" };
    const client = await plugin.fresh();
    const call = refusal(create({ client }, unreachable));
    await expect.poll(() => logs().length, { interval: 20, timeout: 5000 }).toBeGreaterThan(1);
    await client.cancel();
    expect(await call).toEqual(cancelled);
    expect(await refusal(create({ client }, unreachable))).toEqual(cancelled);
  });
});
