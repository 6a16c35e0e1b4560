/** Remote resources without a host: check, diff, preview, state, schema. */
import { describe, expect, it } from "vitest";
import { refusal, type Json, type Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { COMMAND } from "./ssh";
import { asset, output, secret, UNKNOWN } from "./wire";

const UNKNOWN_ERROR = 2;

const STANDARD = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
const HOST = { host: "h" };
const FULL = secret({ ...STANDARD, ...HOST });
const TEXT = asset({ text: "a", hash: "1", path: "", uri: "" });

/** A connection, and what becomes of it. It is always secret as a whole. */
const CONNECTIONS: readonly (readonly [string, Json, Json])[] = [
  ["what is not said", HOST, { ...STANDARD, ...HOST }],
  ["null for what is not said", { ...HOST, user: null, dialErrorLimit: null }, { ...STANDARD, ...HOST }],
  ["a secret connection", secret(HOST), { ...STANDARD, ...HOST }],
  [
    "what is said",
    { ...HOST, user: "", port: 0, dialErrorLimit: -1, perDialTimeout: 0, hostKey: "k", agentSocketPath: "a" },
    { ...HOST, user: "", port: 0, dialErrorLimit: -1, perDialTimeout: 0, hostKey: "k", agentSocketPath: "a" },
  ],
  [
    "numbers that are not whole",
    { ...HOST, port: 22.5, dialErrorLimit: 1.9, perDialTimeout: -1.9 },
    { ...HOST, user: "root", port: 22.5, dialErrorLimit: 1, perDialTimeout: -1 },
  ],
  [
    "keys and passwords: secret also for themselves",
    { ...HOST, privateKey: "a", privateKeyPassword: "b", password: secret("c") },
    { ...STANDARD, ...HOST, privateKey: secret("a"), privateKeyPassword: secret("b"), password: secret("c") },
  ],
  [
    "another host in between",
    { ...HOST, proxy: { host: "p", password: "x" } },
    { ...STANDARD, ...HOST, proxy: { ...STANDARD, host: "p", password: secret("x") } },
  ],
  [
    "unknowns",
    { host: UNKNOWN, privateKey: UNKNOWN, port: UNKNOWN, proxy: UNKNOWN },
    { ...STANDARD, host: UNKNOWN, privateKey: output({ secret: true }), port: UNKNOWN, proxy: UNKNOWN },
  ],
  [
    "unknown secrets: known and empty",
    { host: secret(UNKNOWN), password: secret(UNKNOWN), port: secret(UNKNOWN), proxy: secret(UNKNOWN) },
    {
      ...STANDARD,
      host: secret(""),
      password: secret(""),
      port: secret(0),
      proxy: secret({ ...STANDARD, host: "" }),
    },
  ],
  ["an unknown secret connection", secret(UNKNOWN), { ...STANDARD, host: "" }],
];

const wrongType = (owner: string, path: string, wanted: string, got: string): string =>
  `Field '${path}' on 'remote.${owner}' must be a '${wanted}'; got '${got}' instead`;
const decoding = (path: string, ...failures: string[]): string =>
  `An error occurred decoding '${path}': ${failures.length} failures decoding:${failures.map((one) => `\n\t${one}`).join("")}`;
const missing = (owner: string, name: string): string => `Missing required field '${name}' on 'remote.${owner}'`;

const REFUSED: readonly (readonly [string, Properties, Record<string, string>])[] = [
  ["no connection", { create: "a" }, { connection: missing("CommandInputs", "connection") }],
  [
    "no host",
    { connection: {} },
    { connection: decoding("CommandInputs.connection", `host: ${missing("Connection", "host")}`) },
  ],
  [
    "no host in between",
    { connection: { ...HOST, proxy: {} } },
    {
      connection: decoding(
        "CommandInputs.connection",
        `proxy: ${decoding("Connection.proxy", `host: ${missing("ProxyConnection", "host")}`)}`,
      ),
    },
  ],
  [
    "a text for a connection",
    { connection: "h" },
    { connection: wrongType("CommandInputs", "connection", "remote.Connection", "string") },
  ],
  [
    "an asset for a connection",
    { connection: TEXT },
    { connection: wrongType("CommandInputs", "connection", "remote.Connection", "asset.Asset") },
  ],
  [
    "wrong types and names in a connection",
    { connection: { host: 1, port: "22", user: true, dialErrorLimit: "a", more: 1, proxy: "x" } },
    {
      connection: decoding(
        "CommandInputs.connection",
        `proxy: ${wrongType("Connection", "proxy", "remote.ProxyConnection", "string")}`,
        `user: ${wrongType("Connection", "user", "string", "bool")}`,
        `host: ${wrongType("Connection", "host", "string", "float64")}`,
        `port: ${wrongType("Connection", "port", "float64", "string")}`,
        `dialErrorLimit: ${wrongType("Connection", "dialErrorLimit", "int", "string")}`,
        "more: Unrecognized field 'more' on 'remote.Connection'",
      ),
    },
  ],
  [
    "what only local commands have",
    { connection: HOST, dir: "/", interpreter: ["sh"] },
    {
      dir: "Unrecognized field 'dir' on 'remote.CommandInputs'",
      interpreter: "Unrecognized field 'interpreter' on 'remote.CommandInputs'",
    },
  ],
  [
    "a number for a logging mode",
    { connection: HOST, logging: 1 },
    { logging: wrongType("CommandInputs", "logging", "remote.Logging", "float64") },
  ],
];

const OTHER = secret({ ...STANDARD, host: "other" });

/** From, to, what is seen. */
const DIFFS: readonly (readonly [string, Properties, Properties, readonly string[]])[] = [
  ["nothing", { connection: FULL }, { connection: FULL }, []],
  ["another host: an update", { connection: FULL }, { connection: OTHER }, ["connection: update"]],
  [
    "another host that is plain",
    { connection: HOST },
    { connection: { host: "i", user: "u" } },
    ["connection.host: update", "connection.user: add"],
  ],
  ["a connection that is secret and unknown", { connection: FULL }, { connection: secret(UNKNOWN) }, []],
  ["a trigger", { triggers: [1] }, { triggers: [2] }, ["triggers[0]: update"]],
  ["triggers where there were none", {}, { triggers: [1] }, ["triggers: add-replace"]],
  ["no triggers where there were some", { triggers: [1] }, {}, ["triggers: delete-replace"]],
  ["a variable", { environment: { A: "1" } }, { environment: { A: "2" } }, ["environment.A: update"]],
];

const UNREACHABLE = secret({ ...STANDARD, host: "no.such.invalid" });
const UNKNOWN_OUTPUT = { stdout: UNKNOWN, stderr: UNKNOWN };

forEachPlugin((plugin) => {
  describe("check accepts", () => {
    for (const [name, connection, settled] of CONNECTIONS) {
      it(name, async () => {
        expect(await plugin.client.check({ connection }, COMMAND)).toEqual({
          inputs: { connection: secret(settled) },
          failures: {},
        });
      });
    }

    it("a connection that is unknown as a whole", async () => {
      const { inputs } = await plugin.client.check({ connection: UNKNOWN }, COMMAND);
      expect(inputs).toEqual({ connection: output({ secret: true }) });
    });

    it("all other inputs", async () => {
      const inputs = {
        create: "a",
        update: UNKNOWN,
        delete: secret("c"),
        stdin: "d",
        environment: { A: secret("a") },
        logging: "loud",
        addPreviousOutputInEnv: false,
        triggers: [1, TEXT],
      };
      expect(await plugin.client.check({ connection: HOST, ...inputs }, COMMAND)).toEqual({
        inputs: { connection: FULL, ...inputs },
        failures: {},
      });
    });
  });

  describe("check refuses", () => {
    for (const [name, inputs, failures] of REFUSED) {
      it(name, async () => {
        expect((await plugin.client.check(inputs, COMMAND)).failures).toEqual(failures);
      });
    }
  });

  describe("diff sees", () => {
    for (const [name, olds, news, detailed] of DIFFS) {
      it(name, async () => {
        const diff = await plugin.client.diff(olds, olds, news, {}, COMMAND);
        const replaces = detailed.some((change) => change.endsWith("-replace")) ? ["triggers"] : [];
        expect(diff).toMatchObject({ changes: detailed.length ? "some" : "none", detailed, replaces });
      });
    }
  });

  describe("a preview reaches no host", () => {
    const client = (): typeof plugin.client => plugin.client;

    it("for create", async () => {
      const inputs = { connection: UNREACHABLE, create: "a", environment: { A: UNKNOWN } };
      const { id, outputs } = await client().create(inputs, { preview: true }, COMMAND);
      expect(id).toMatch(/^res[0-9a-f]{8}$/);
      expect(outputs).toEqual({ ...inputs, ...UNKNOWN_OUTPUT });
    });

    it("for create with an unknown connection", async () => {
      const { outputs } = await client().create({ connection: UNKNOWN, create: "a" }, { preview: true }, COMMAND);
      expect(outputs).toEqual({ connection: UNKNOWN, create: "a", ...UNKNOWN_OUTPUT });
    });

    it("for update", async () => {
      const state = { connection: UNREACHABLE, create: "a", stdout: "out", stderr: "err" };
      const update = (news: Properties): Promise<Properties> =>
        client().update(state, news, { preview: true }, COMMAND);
      const inputs = { connection: UNREACHABLE, create: "a" };
      expect(await update(inputs)).toEqual({ ...inputs, stdout: "out", stderr: "err" });
      expect(await update({ ...inputs, create: "b" })).toEqual({ ...inputs, create: "b", ...UNKNOWN_OUTPUT });
      expect(await update({ ...inputs, connection: OTHER })).toMatchObject(UNKNOWN_OUTPUT);
    });
  });

  describe("a state", () => {
    const withoutHost = (owner: string): string =>
      `1 failures decoding:\n\tconnection: ${decoding(`${owner}.connection`, `host: ${missing("Connection", "host")}`)}`;

    it("without a host is refused", async () => {
      const state = { connection: {}, stdout: "", stderr: "" };
      const reason = { code: UNKNOWN_ERROR, message: withoutHost("CommandOutputs") };
      expect(await refusal(plugin.client.delete(state, {}, COMMAND))).toEqual(reason);
      expect(await refusal(plugin.client.update(state, { connection: HOST }, {}, COMMAND))).toEqual(reason);
    });

    it("without a connection is refused", async () => {
      const message = `1 failures decoding:\n\tconnection: ${missing("CommandOutputs", "connection")}`;
      const call = plugin.client.delete({ stdout: "", stderr: "" }, {}, COMMAND);
      expect(await refusal(call)).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("is not led to without a host", async () => {
      const message = withoutHost("CommandInputs");
      const create = plugin.client.create({ connection: {} }, {}, COMMAND);
      expect(await refusal(create)).toEqual({ code: UNKNOWN_ERROR, message: `invalid inputs: ${message}` });
      const update = plugin.client.update(
        { connection: HOST, stdout: "", stderr: "" },
        { connection: {} },
        {},
        COMMAND,
      );
      expect(await refusal(update)).toEqual({ code: UNKNOWN_ERROR, message });
    });

    it("is read as it is, without a look at the host", async () => {
      const inputs = { connection: UNREACHABLE, create: "a" };
      const properties = { ...inputs, stdout: "out", stderr: "err" };
      expect(await plugin.client.read(properties, inputs, COMMAND)).toEqual({ id: "res1", properties, inputs });
    });

    it("is imported empty", async () => {
      expect(await plugin.client.read({}, {}, COMMAND)).toEqual({ id: "res1", properties: {}, inputs: {} });
    });
  });

  it("the schema has them", async () => {
    const text = { type: "string" };
    const endpoint = {
      agentSocketPath: text,
      dialErrorLimit: { type: "integer", default: 10 },
      host: text,
      hostKey: text,
      password: { ...text, secret: true },
      perDialTimeout: { type: "integer", default: 15 },
      port: { type: "number", default: 22 },
      privateKey: { ...text, secret: true },
      privateKeyPassword: { ...text, secret: true },
      user: { ...text, default: "root" },
    };
    const proxy = { $ref: "#/types/command:remote:ProxyConnection" };
    const connection = { $ref: "#/types/command:remote:Connection", secret: true };
    const triggers = { type: "array", items: { $ref: "pulumi.json#/Any" }, replaceOnChanges: true };
    const command = {
      addPreviousOutputInEnv: { type: "boolean" },
      connection,
      create: text,
      delete: text,
      environment: { type: "object", additionalProperties: text },
      logging: { $ref: "#/types/command:remote:Logging" },
      stdin: text,
      triggers,
      update: text,
    };
    const schema = await plugin.client.schema();
    const plain = (part: object | undefined): unknown =>
      JSON.parse(JSON.stringify(part, (key, value: unknown) => (key === "description" ? undefined : value)));
    expect(plain(schema.types["command:remote:Connection"])).toEqual({
      type: "object",
      properties: { ...endpoint, proxy },
      required: ["host"],
    });
    expect(plain(schema.types["command:remote:ProxyConnection"])).toEqual({
      type: "object",
      properties: endpoint,
      required: ["host"],
    });
    expect(plain(schema.resources["command:remote:Command"])).toEqual({
      inputProperties: command,
      requiredInputs: ["connection"],
      properties: { ...command, stdout: text, stderr: text },
      required: ["connection", "stdout", "stderr"],
    });
  });
});
