/** What commands get and give: environment, directory, input, output, errors. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { refusal, URN, type Properties } from "./pluginClient";
import { LOGS } from "./logs";
import { forEachPlugin } from "./plugins";
import { asset, secret } from "./wire";

const UNKNOWN_ERROR = 2;
const INTERNAL = 13;

const directory = realpathSync(mkdtempSync(join(tmpdir(), "commands-")));
const plainFile = join(directory, "plain");
writeFileSync(plainFile, "");
const ran = join(directory, "ran");
afterAll(() => rmSync(directory, { recursive: true }));

const LARGE = 3_000_000;
const SIGNALS = "exec grep -E 'Sig(Blk|Ign)' /proc/self/status";

/** Inputs, stdout, stderr. */
const OUTPUTS: readonly (readonly [string, Properties, string, string?])[] = [
  ["both outputs", { create: "echo out; echo err >&2" }, "out", "err"],
  ["nothing to run", {}, ""],
  ["an empty command", { create: "" }, ""],
  ["one newline is cut off", { create: "printf 'a\\n\\n'" }, "a\n"],
  ["only a newline is", { create: "printf 'a\\r\\n'; printf '\\n ' >&2" }, "a\r", "\n "],
  ["a byte order mark and beyond", { create: "printf '\\357\\273\\277ö\\360\\237\\230\\200'" }, "\ufeffö😀"],
  ["what a background process writes", { create: "(sleep 0.3; echo late) & echo now" }, "now\nlate"],
  ["a shell", { create: "echo $0" }, "/bin/sh"],
  ["an empty interpreter is none", { create: "echo $0", interpreter: [] }, "/bin/sh"],
  ["another interpreter", { create: "a b", interpreter: ["printf", "[%s]", "-"] }, "[-][a b]"],
  ["the interpreter's name stays as it is", { create: "echo $0", interpreter: ["sh", "-c"] }, "sh"],
  ["another directory", { create: "pwd", dir: directory }, directory],
  [
    "a directory relative to the plugin's",
    {
      create: 'test "$(pwd)" = "$PWD_OF_TEST/test" && echo yes',
      dir: "test",
      environment: { PWD_OF_TEST: process.cwd() },
    },
    "yes",
  ],
  [
    "an empty directory is the plugin's",
    { create: 'test "$(pwd)" = "$PWD_OF_TEST" && echo yes', dir: "", environment: { PWD_OF_TEST: process.cwd() } },
    "yes",
  ],

  ["standard input", { create: "cat", stdin: "a\nb" }, "a\nb"],
  ["secret standard input: plain output", { create: "cat", stdin: secret("a") }, "a"],
  ["a lot of standard input", { create: "wc -c", stdin: "ö".repeat(LARGE) }, String(2 * LARGE)],
  ["a lot of standard input that is not read", { create: "echo done", stdin: "x".repeat(LARGE) }, "done"],
  ["a lot of standard input that is read a little", { create: "head -c 2", stdin: "x".repeat(LARGE) }, "xx"],
  [
    "standard input read by who is left running",
    { create: "exec 3<&0; (sleep 0.3; wc -c <&3) & :", stdin: "x".repeat(LARGE) },
    String(LARGE),
  ],
  ["no standard input", { create: "cat; test -c /dev/stdin && echo device" }, "device"],
  ["empty standard input is none", { create: "cat; test -c /dev/stdin && echo device", stdin: "" }, "device"],
  [
    "pipes, by their names too",
    { create: "echo e >/dev/stderr; echo o >/dev/stdout; sleep 0.1; cat /dev/stdin; test -p /dev/stdin", stdin: "i" },
    "o\ni",
    "e",
  ],

  ["variables", { create: "echo $A-$B", environment: { A: "a", B: secret("b") } }, "a-b"],
  ["a variable over one of the plugin's", { create: "echo $HOME", environment: { HOME: "/elsewhere" } }, "/elsewhere"],
  [
    "odd variables",
    { create: "env | grep ODD", environment: { "ODD.NAME": "1", ODD: "a=b\tc" }, interpreter: ["bash", "-c"] },
    "ODD.NAME=1\nODD=a=b\tc",
  ],
  [
    "the interpreter comes from the plugin's PATH",
    { create: "echo $PATH", interpreter: ["sh", "-c"], environment: { PATH: "/" } },
    "/",
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

const quoted = 'a"b\\c $x\t\u0001\u007f\u00a0é☃\u200b\u{1F600}\u{10FFFF}';

/** Inputs and the message's beginning; what follows is `: running "<command>":` and the output. */
const FAILURES: readonly (readonly [string, Properties, string, string?])[] = [
  ["a status", { create: "exit 7" }, "exit status 7"],
  ["its output", { create: "echo one; sleep 0.1; echo two >&2; exit 1" }, "exit status 1", "one\ntwo\n"],
  ["bytes that are not text", { create: "printf 'a\\377b'; exit 1" }, "exit status 1", "a\ufffdb"],
  ["a signal", { create: "kill -TERM $$" }, "signal: terminated"],
  ["another signal", { create: "kill -USR1 $$" }, "signal: user defined signal 1"],
  ["a hangup", { create: "kill -HUP $$" }, "signal: hangup"],
  ["a kill", { create: "kill -KILL $$" }, "signal: killed"],
  [
    "no such interpreter on PATH",
    { create: "x", interpreter: ["no-such-program"] },
    'exec: "no-such-program": executable file not found in $PATH',
  ],
  ["no such interpreter", { create: "x", interpreter: ["/no/such"] }, "fork/exec /no/such: no such file or directory"],
  ["a directory as interpreter", { create: "x", interpreter: ["/tmp"] }, "fork/exec /tmp: permission denied"],
  [
    "an interpreter that is not executable",
    { create: "x", interpreter: [plainFile] },
    `fork/exec ${plainFile}: permission denied`,
  ],
  ["an interpreter without a name", { create: "x", interpreter: [""] }, "exec: no command"],
  ["no such directory", { create: "x", dir: "/no/such" }, "chdir /no/such: no such file or directory"],
  [
    "no such directory, nor interpreter",
    { create: "x", dir: "/no/such", interpreter: ["./x"] },
    "chdir /no/such: no such file or directory",
  ],
  ["a file as directory", { create: "x", dir: plainFile }, "fork/exec /bin/sh: not a directory"],
  ["NUL in the command", { create: "echo \0" }, "fork/exec /bin/sh: invalid argument"],
  ["NUL in a variable", { create: "x", environment: { A: "\0" } }, "exec: environment variable contains NUL"],
  ["NUL in a variable's name", { create: "x", environment: { "A\0": "" } }, "exec: environment variable contains NUL"],
  ["NUL in the directory", { create: "x", dir: "/tmp\0" }, "chdir /tmp\0: invalid argument"],
  [
    "too large a variable",
    { create: "x", environment: { A: "x".repeat(200_000) } },
    "fork/exec /bin/sh: argument list too long",
  ],
];

/** As Go quotes it. */
const running = (command: string): string => ` running ${JSON.stringify(command).replace("\\u0000", "\\x00")}:\n`;

forEachPlugin((plugin) => {
  beforeEach(() => rmSync(ran, { force: true }));

  describe("create gives", () => {
    for (const [name, inputs, stdout, stderr = ""] of OUTPUTS) {
      it(name, async () => {
        const { id, outputs } = await plugin.client.create(inputs);
        expect(id).toMatch(/^res[0-9a-f]{8}$/);
        expect(outputs).toEqual({ ...inputs, stdout, stderr });
      });
    }

    it("the plugin's whole environment", async () => {
      const env = { SOME_SECRET: "s", "ODD-NAME": "o", PULUMI_CONFIG_PASSPHRASE: "p" };
      const other = await plugin.start({ env });
      const inputs = { interpreter: [process.execPath, "-p"], create: "JSON.stringify(process.env)" };
      const { outputs } = await other.create(inputs);
      expect(JSON.parse(outputs["stdout"] as string)).toEqual({ ...process.env, ...env });
    });

    it("the directory where the plugin was started", async () => {
      const other = await plugin.start({ cwd: directory });
      expect((await other.create({ create: "pwd" })).outputs).toMatchObject({ stdout: directory });
    });

    it("a lot of output", async () => {
      const command = `head -c ${LARGE} /dev/zero | tr '\\0' x`;
      const { outputs } = await plugin.client.create({ create: command, logging: "none" });
      expect(outputs["stdout"]).toBe("x".repeat(LARGE));
    });

    it("an id with the resource's name", async () => {
      const { id } = await plugin.client.create({}, {}, "urn:pulumi:dev::p::a:b:C$command:local:Command::a name::x");
      expect(id).toMatch(/^a name::x[0-9a-f]{8}$/);
    });

    it("different ids", async () => {
      const [one, two] = await Promise.all([plugin.client.create({}), plugin.client.create({})]);
      expect(one.id).not.toBe(two.id);
    });

    it("many at once", async () => {
      const began = Date.now();
      const commands = Array.from({ length: 20 }, (_, i) => plugin.client.create({ create: `sleep 1; echo ${i}` }));
      const results = await Promise.all(commands);
      expect(results.map(({ outputs }) => outputs["stdout"])).toEqual(results.map((_, i) => String(i)));
      expect(Date.now() - began).toBeLessThan(10_000);
    });
  });

  describe("create fails with", () => {
    for (const [name, inputs, message, output = ""] of FAILURES) {
      it(name, async () => {
        const expected = `${message}:${running(inputs["create"] as string)}${output}`;
        expect(await refusal(plugin.client.create(inputs))).toEqual({ code: UNKNOWN_ERROR, message: expected });
      });
    }

    it("the command quoted as Go does", async () => {
      const inputs = { create: quoted, interpreter: ["false"] };
      const message = 'exit status 1: running "a\\"b\\\\c $x\\t\\x01\\x7f\\u00a0é☃\\u200b😀\\U0010ffff":\n';
      expect(await refusal(plugin.client.create(inputs))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("inputs of the wrong type", async () => {
      const message =
        "invalid inputs: 2 failures decoding:" +
        "\n\tcreate: Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead" +
        "\n\tfoo: Unrecognized field 'foo' on 'local.CommandInputs'";
      expect(await refusal(plugin.client.create({ foo: 1, create: 1 }))).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("output that is not text, after it has run", async () => {
      const message = "grpc: error while marshaling: string field contains invalid UTF-8";
      const call = plugin.client.create({ create: `touch ${ran}; printf '\\377'` });
      expect(await refusal(call)).toEqual({ code: INTERNAL, message });
      expect(readFileSync(ran, "utf8")).toBe("");
    });
  });

  const old = { create: "echo old", stdout: "out", stderr: "err" };
  const previous = 'echo "[$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR]"';

  /** Inputs and what they lead to beside themselves. */
  const UPDATES: readonly (readonly [string, Properties, Properties])[] = [
    ["runs create again", { create: "echo c" }, { stdout: "c", stderr: "" }],
    ["runs update instead", { create: "echo c", update: "echo u" }, { stdout: "u", stderr: "" }],
    ["runs an empty update", { create: "echo c", update: "" }, { stdout: "", stderr: "" }],
    ["runs nothing", { delete: "echo d" }, { stdout: "out", stderr: "err" }],
    ["knows the previous output", { create: previous }, { stdout: "[out|err]", stderr: "" }],
    [
      "does not if that is not wanted",
      { create: previous, addPreviousOutputInEnv: false },
      { stdout: "[|]", stderr: "" },
    ],
    [
      "prefers it to a variable",
      { create: previous, environment: { PULUMI_COMMAND_STDOUT: "mine" } },
      { stdout: "[out|err]", stderr: "" },
    ],
    ["runs with the new input", { create: "cat", stdin: "new" }, { stdout: "new", stderr: "" }],
  ];

  describe("update", () => {
    for (const [name, inputs, outputs] of UPDATES) {
      it(name, async () => {
        expect(await plugin.client.update(old, inputs)).toEqual({ ...inputs, ...outputs });
      });
    }

    it("does not know an empty previous output", async () => {
      const inputs = { create: previous, environment: { PULUMI_COMMAND_STDOUT: "mine" } };
      expect(await plugin.client.update({ ...old, stdout: "" }, inputs)).toMatchObject({ stdout: "[mine|err]" });
    });

    it("knows a secret previous output", async () => {
      const state = { ...old, stdout: secret("hidden") };
      expect(await plugin.client.update(state, { create: previous })).toMatchObject({ stdout: "[hidden|err]" });
    });

    it("goes on ignoring an ignored change", async () => {
      const outputs = await plugin.client.update(old, { create: "echo new" }, { ignoreChanges: ["create"] });
      expect(outputs).toEqual({ create: "echo old", stdout: "old", stderr: "" });
    });

    it("keeps assets of an earlier run", async () => {
      const assets = { a: asset({ text: "a", hash: "1" }) };
      const outputs = await plugin.client.update({ ...old, assetPaths: ["a"], assets }, {});
      expect(outputs).toEqual({
        assets: { a: asset({ text: "a", hash: "1", path: "", uri: "" }) },
        stdout: "out",
        stderr: "err",
      });
    });

    it("fails as create does", async () => {
      const message = 'exit status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.update(old, { create: "echo no; exit 3" }))).toEqual({
        code: UNKNOWN_ERROR,
        message,
      });
    });

    it("fails on inputs of the wrong type", async () => {
      const message =
        "1 failures decoding:\n\tdir: Field 'dir' on 'local.CommandInputs' must be a 'string'; got 'bool' instead";
      expect(await refusal(plugin.client.update(old, { dir: true }))).toEqual({ code: UNKNOWN_ERROR, message });
    });
  });

  describe("delete", () => {
    it("runs with the old inputs and output", async () => {
      const command = `(cat; echo "$A $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"; pwd) > ${ran}`;
      await plugin.client.delete({
        ...old,
        delete: secret(command),
        stdin: "in ",
        environment: { A: "a" },
        dir: directory,
      });
      expect(readFileSync(ran, "utf8")).toBe(`in a out err\n${directory}\n`);
    });

    it("runs nothing where there is nothing to run", async () => {
      expect(await plugin.client.delete(old)).toBeUndefined();
    });

    it("fails as create does", async () => {
      const message = 'exit status 3: running "echo no; exit 3":\nno\n';
      expect(await refusal(plugin.client.delete({ ...old, delete: "echo no; exit 3" }))).toEqual({
        code: UNKNOWN_ERROR,
        message,
      });
    });

    it("does not mind output that is not text", async () => {
      expect(await plugin.client.delete({ ...old, delete: "printf '\\377'" })).toBeUndefined();
    });
  });

  /** A state that no plugin of this version wrote. */
  const STATES: readonly (readonly [string, Properties, string])[] = [
    [
      "without output",
      { delete: "x" },
      "2 failures decoding:" +
        "\n\tstdout: Missing required field 'stdout' on 'local.CommandOutputs'" +
        "\n\tstderr: Missing required field 'stderr' on 'local.CommandOutputs'",
    ],
    [
      "of wrong types",
      { stdout: 1, stderr: "", delete: 1 },
      "2 failures decoding:" +
        "\n\tstdout: Field 'stdout' on 'local.CommandOutputs' must be a 'string'; got 'float64' instead" +
        "\n\tdelete: Field 'delete' on 'local.CommandOutputs' must be a 'string'; got 'float64' instead",
    ],
    [
      "with more",
      { ...old, more: 1 },
      "1 failures decoding:\n\tmore: Unrecognized field 'more' on 'local.CommandOutputs'",
    ],
  ];

  describe("a state", () => {
    for (const [name, state, message] of STATES) {
      it(`${name} is refused`, async () => {
        expect(await refusal(plugin.client.delete(state))).toEqual({ code: UNKNOWN_ERROR, message });
        expect(await refusal(plugin.client.update(state, {}))).toEqual({ code: UNKNOWN_ERROR, message });
      });
    }

    it("is read as it is", async () => {
      const read = await plugin.client.read(old, { create: secret("echo old") });
      expect(read).toEqual({ id: "res1", properties: old, inputs: { create: secret("echo old") } });
    });

    it("is imported empty", async () => {
      expect(await plugin.client.read({}, {})).toEqual({ id: "res1", properties: {}, inputs: {} });
    });

    it("with more is not read", async () => {
      const message = "1 failures decoding:\n\tmore: Unrecognized field 'more' on 'local.CommandOutputs'";
      expect(await refusal(plugin.client.read({ more: 1 }, {}))).toEqual({ code: UNKNOWN_ERROR, message });
    });
  });

  describe("the engine is told", () => {
    const logged = async (inputs: Properties): Promise<string[]> => {
      plugin.engine.logs.length = 0;
      await plugin.client.create(inputs);
      return plugin.engine.logs.map(({ message }) => message);
    };

    for (const [name, options, lines] of LOGS) {
      it(name, async () => {
        expect(await logged({ create: "echo out; sleep 0.1; echo err >&2", ...options })).toEqual(lines);
      });
    }

    it("lines", async () => {
      expect(await logged({ create: "printf 'a\\n\\nb\\r\\n\\tö'" })).toEqual(["a", "", "b", "\tö"]);
    });

    it("lines that are not text, as well as possible", async () => {
      await refusal(logged({ create: "printf 'a\\377b'" }));
      expect(plugin.engine.logs.map(({ message }) => message)).toEqual(["a\ufffdb"]);
    });

    it("half a line and the other stream's other half as one", async () => {
      expect(await logged({ create: "printf a; sleep 0.1; printf b >&2" })).toEqual(["ab"]);
    });

    it("many lines in order", async () => {
      expect(await logged({ create: "seq 500" })).toEqual(Array.from({ length: 500 }, (_, i) => String(i + 1)));
    });

    it("a line of 65535 bytes", async () => {
      expect(await logged({ create: "head -c 65535 /dev/zero | tr '\\0' x; echo" })).toEqual(["x".repeat(65535)]);
    });

    it("status lines of the resource", async () => {
      await logged({ create: "echo a" });
      expect(plugin.engine.logs).toEqual([{ severity: 1, message: "a", urn: URN, streamid: 0, ephemeral: true }]);
    });

    it("while the command runs", async () => {
      plugin.engine.logs.length = 0;
      const call = plugin.client.create({ create: "echo a; sleep 1; echo b" });
      await expect.poll(() => plugin.engine.logs.length, { timeout: 900 }).toBe(1);
      await call;
    });
  });
});
