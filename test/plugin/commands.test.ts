/** What commands get and give: environment, directory, input, output, errors. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { refusal, URN, type Properties } from "./pluginClient";
import { LOGS } from "./logs";
import { forEachPlugin } from "./plugins";
import { secret } from "./wire";

const UNKNOWN_ERROR = 2;
const INTERNAL = 13;

const directory = realpathSync(mkdtempSync(join(tmpdir(), "commands-")));
const ran = join(directory, "ran");
afterAll(() => rmSync(directory, { recursive: true }));

/** More than a pipe takes before somebody reads it. */
const LARGE = 1_000_000;
const SIGNALS = "exec grep -E 'Sig(Blk|Ign)' /proc/self/status";

/** Inputs, stdout, stderr. */
const OUTPUTS: readonly (readonly [string, Properties, string, string?])[] = [
  ["both outputs", { create: "echo out; echo err >&2" }, "out", "err"],
  ["one newline is cut off", { create: "printf 'a\\n\\n'" }, "a\n"],
  ["only a newline is", { create: "printf 'a\\r\\n'; printf '\\n ' >&2" }, "a\r", "\n "],
  ["a byte order mark and beyond", { create: "printf '\\357\\273\\277ö\\360\\237\\230\\200'" }, "\ufeffö😀"],
  ["what a background process writes", { create: "(sleep 0.1; echo late) & echo now" }, "now\nlate"],
  ["a shell", { create: "echo $0" }, "/bin/sh"],

  ["standard input", { create: "cat", stdin: "a\nb" }, "a\nb"],
  ["secret standard input: plain output", { create: "cat", stdin: secret("a") }, "a"],
  ["a lot of standard input", { create: "wc -c", stdin: "ö".repeat(LARGE) }, String(2 * LARGE)],
  ["a lot of standard input that is not read", { create: "echo done", stdin: "x".repeat(LARGE) }, "done"],
  ["a lot of standard input that is read a little", { create: "head -c 2", stdin: "x".repeat(LARGE) }, "xx"],
  [
    "standard input read by who is left running",
    { create: "exec 3<&0; (sleep 0.1; wc -c <&3) & :", stdin: "x".repeat(LARGE) },
    String(LARGE),
  ],
  ["no standard input", { create: "cat; test -c /dev/stdin && echo device" }, "device"],
  [
    "pipes, by their names too",
    { create: "echo e >/dev/stderr; echo o >/dev/stdout; sleep 0.1; cat /dev/stdin; test -p /dev/stdin", stdin: "i" },
    "o\ni",
    "e",
  ],

  [
    "no signal is blocked or ignored that was not before, e.g. by nohup",
    { create: SIGNALS },
    execFileSync("/bin/sh", ["-c", SIGNALS], { encoding: "utf8" }).trimEnd(),
  ],
  [
    "no file is open but the three",
    { create: "exec ls /proc/self/fd" },
    expect.stringMatching(/^0\n1\n2\n(\d\d+\n)*3$/) as string,
  ],
];

const quoted = 'exit 1 # a"b\\c $x\t\u0001\u007f\u00a0é☃\u200b\u{1F600}\u{10FFFF}';

/** Inputs and the message's beginning; what follows is `: running "<command>":` and the output. */
const FAILURES: readonly (readonly [string, Properties, string, string?])[] = [
  ["a status and its output", { create: "echo one; sleep 0.1; echo two >&2; exit 7" }, "exit status 7", "one\ntwo\n"],
  ["bytes that are not text", { create: "printf 'a\\377b'; exit 1" }, "exit status 1", "a\ufffdb"],
  ["a signal", { create: "kill -TERM $$" }, "signal: terminated"],
  ["a kill", { create: "kill -KILL $$" }, "signal: killed"],
];

forEachPlugin((plugin) => {
  beforeEach(() => rmSync(ran, { force: true }));

  describe("create gives", () => {
    for (const [name, inputs, stdout, stderr = ""] of OUTPUTS) {
      it(`create gives ${name}`, async () => {
        const { id, outputs } = await plugin.client.create(inputs);
        expect(id).toMatch(/^res[0-9a-f]{8}$/);
        expect(outputs).toEqual({ ...inputs, stdout, stderr });
      });
    }

    it("create runs in the plugin's environment and directory", async () => {
      const env = { SOME_SECRET: "s", "ODD-NAME": "o", PULUMI_CONFIG_PASSPHRASE: "p" };
      const other = await plugin.start({ env, cwd: directory });
      const { outputs } = await other.create({ create: "pwd; tr '\\0' '\\n' < /proc/$$/environ" });
      const [cwd, ...variables] = (outputs["stdout"] as string).split("\n");
      expect(cwd).toBe(directory);
      const all = Object.entries({ ...process.env, ...env }).map(([name, value]) => `${name}=${value}`);
      expect(variables.sort()).toEqual(all.join("\n").split("\n").sort());
    });

    it("create gives a lot of output", async () => {
      const command = `head -c ${LARGE} /dev/zero | tr '\\0' x`;
      const { outputs } = await plugin.client.create({ create: command, logging: "none" });
      expect(outputs["stdout"]).toBe("x".repeat(LARGE));
    });

    it("create gives an id with the resource's name", async () => {
      const urn = "urn:pulumi:dev::p::a:b:C$command:local:Command::a name::x";
      const { id } = await plugin.client.create({ create: "true" }, {}, urn);
      expect(id).toMatch(/^a name::x[0-9a-f]{8}$/);
    });

    it("create gives different ids", async () => {
      const [one, two] = await Promise.all([
        plugin.client.create({ create: "true" }),
        plugin.client.create({ create: "true" }),
      ]);
      expect(one.id).not.toBe(two.id);
    });

    it("many creates run at once", async () => {
      const began = Date.now();
      const commands = Array.from({ length: 20 }, (_, i) => plugin.client.create({ create: `sleep 0.5; echo ${i}` }));
      const results = await Promise.all(commands);
      expect(results.map(({ outputs }) => outputs["stdout"])).toEqual(results.map((_, i) => String(i)));
      expect(Date.now() - began).toBeLessThan(5000);
    });
  });

  describe("create fails with", () => {
    for (const [name, inputs, message, output = ""] of FAILURES) {
      it(`create fails with ${name}`, async () => {
        const expected = `${message}: running ${JSON.stringify(inputs["create"])}:\n${output}`;
        expect(await refusal(plugin.client.create(inputs))).toEqual({ code: UNKNOWN_ERROR, message: expected });
      });
    }

    it("create fails with the command quoted as Go does", async () => {
      const message = 'exit status 1: running "exit 1 # a\\"b\\\\c $x\\t\\x01\\x7f\\u00a0é☃\\u200b😀\\U0010ffff":\n';
      expect(await refusal(plugin.client.create({ create: quoted }))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("create fails with output that is not UTF-8, after the command has run", async () => {
      const message = "grpc: error while marshaling: string field contains invalid UTF-8";
      const call = plugin.client.create({ create: `touch ${ran}; printf '\\377'` });
      expect(await refusal(call)).toEqual({ code: INTERNAL, message });
      expect(readFileSync(ran, "utf8")).toBe("");
    });
  });

  const old = { create: "echo old", stdout: "out", stderr: "err" };
  const previous = 'echo "[$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR]"';

  /** Inputs and the new output. */
  const UPDATES: readonly (readonly [string, Properties, string])[] = [
    ["runs create again", { create: "echo c" }, "c"],
    ["knows the previous output", { create: previous }, "[out|err]"],
    ["does not if that is not wanted", { create: previous, addPreviousOutputInEnv: false }, "[|]"],
    ["runs with the new input", { create: "cat", stdin: "new" }, "new"],
  ];

  describe("update", () => {
    for (const [name, inputs, stdout] of UPDATES) {
      it(`update ${name}`, async () => {
        expect(await plugin.client.update(old, inputs)).toEqual({ ...inputs, stdout, stderr: "" });
      });
    }

    it("update fails where the previous output is too long for a variable", async () => {
      const state = { ...old, stdout: "x".repeat(200_000) };
      const message = 'fork/exec /bin/sh: argument list too long: running "true":\n';
      expect(await refusal(plugin.client.update(state, { create: "true" }))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("update fails as create does", async () => {
      const message = 'exit status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.update(old, { create: "echo no; exit 3" }))).toEqual({
        code: UNKNOWN_ERROR,
        message,
      });
    });
  });

  describe("delete", () => {
    it("delete runs with the old inputs and output", async () => {
      const command = `(cat; echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR") > ${ran}`;
      await plugin.client.delete({ ...old, delete: secret(command), stdin: "in " });
      expect(readFileSync(ran, "utf8")).toBe("in out err\n");
    });

    it("delete runs nothing where it has no command", async () => {
      expect(await plugin.client.delete(old)).toBeUndefined();
    });

    it("delete fails as create does", async () => {
      const message = 'exit status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.delete({ ...old, delete: "echo no; exit 3" }))).toEqual({
        code: UNKNOWN_ERROR,
        message,
      });
    });

    it("delete accepts output that is not UTF-8", async () => {
      expect(await plugin.client.delete({ ...old, delete: "printf '\\377'" })).toBeUndefined();
    });
  });

  it("a refresh reads the state as it is", async () => {
    const read = await plugin.client.read(old, { create: secret("echo old") });
    expect(read).toEqual({ id: "res1", properties: old, inputs: { create: secret("echo old") } });
  });

  describe("the engine is told", () => {
    const logged = async (inputs: Properties): Promise<string[]> => {
      plugin.engine.logs.length = 0;
      await plugin.client.create(inputs);
      return plugin.engine.logs.map(({ message }) => message);
    };

    for (const [name, options, lines] of LOGS) {
      it(`the engine gets ${name}`, async () => {
        expect(await logged({ create: "echo out; sleep 0.1; echo err >&2", ...options })).toEqual(lines);
      });
    }

    it("the engine gets lines", async () => {
      expect(await logged({ create: "printf 'a\\n\\nb\\r\\n\\tö'" })).toEqual(["a", "", "b", "\tö"]);
    });

    it("the engine gets lines that are not UTF-8 as well as possible", async () => {
      await refusal(logged({ create: "printf 'a\\377b'" }));
      expect(plugin.engine.logs.map(({ message }) => message)).toEqual(["a\ufffdb"]);
    });

    it("the engine gets many lines in order", async () => {
      expect(await logged({ create: "seq 500" })).toEqual(Array.from({ length: 500 }, (_, i) => String(i + 1)));
    });

    it("the engine gets status lines of the resource", async () => {
      await logged({ create: "echo a" });
      expect(plugin.engine.logs).toEqual([{ severity: 1, message: "a", urn: URN, streamid: 0, ephemeral: true }]);
    });

    it("the engine gets lines while the command runs", async () => {
      plugin.engine.logs.length = 0;
      const call = plugin.client.create({ create: `echo a; while ! test -e ${ran}; do sleep 0.05; done; echo b` });
      await expect.poll(() => plugin.engine.logs.length, { interval: 20, timeout: 5000 }).toBe(1);
      writeFileSync(ran, "");
      expect((await call).outputs).toMatchObject({ stdout: "a\nb" });
    });
  });
});
