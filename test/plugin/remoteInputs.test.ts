/** Remote resources without a host: check, diff, preview, state. */
import { describe, expect, it } from "vitest";
import type { Json, Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { COMMAND } from "./ssh";
import { output, secret, UNKNOWN } from "./wire";

const STANDARD = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
const SAID = { host: "h", user: "u", port: 2222, dialErrorLimit: 5, perDialTimeout: 30, hostKey: "k" };
const INPUTS = { addPreviousOutputInEnv: false };

/** A connection, and what becomes of it. It is always secret as a whole. */
const CONNECTIONS: readonly (readonly [string, Json, Json])[] = [
  ["what is not said", { host: "h" }, { ...STANDARD, host: "h" }],
  ["what is said", { ...SAID, agentSocketPath: "a" }, { ...SAID, agentSocketPath: "a" }],
  ["a secret connection", secret(SAID), SAID],
  [
    "keys and passwords: secret also for themselves",
    { ...SAID, privateKey: "a", privateKeyPassword: "b", password: secret("c") },
    { ...SAID, privateKey: secret("a"), privateKeyPassword: secret("b"), password: secret("c") },
  ],
  [
    "another host in between",
    { ...SAID, proxy: { host: "p", password: "x" } },
    { ...SAID, proxy: { ...STANDARD, host: "p", password: secret("x") } },
  ],
  ["an unknown secret connection", secret(UNKNOWN), { ...STANDARD, host: "" }],
];

const missing = (owner: string, name: string): string => `Missing required field '${name}' on 'remote.${owner}'`;
const wrongType = (owner: string, path: string, wanted: string, got: string): string =>
  `Field '${path}' on 'remote.${owner}' must be a '${wanted}'; got '${got}' instead`;

const REFUSED: readonly (readonly [string, Properties, Record<string, string>])[] = [
  ["no connection", { create: "a" }, { connection: missing("CommandInputs", "connection") }],
  [
    "what does not fit in a connection",
    { connection: { port: "22", more: 1 } },
    {
      connection:
        "An error occurred decoding 'CommandInputs.connection': 3 failures decoding:" +
        `\n\thost: ${missing("Connection", "host")}` +
        `\n\tport: ${wrongType("Connection", "port", "float64", "string")}` +
        "\n\tmore: Unrecognized field 'more' on 'remote.Connection'",
    },
  ],
];

const FULL = secret({ ...SAID, privateKey: secret("a") });
const OTHER = secret({ ...SAID, privateKey: secret("b") });

/** From, to, what is seen. */
const DIFFS: readonly (readonly [string, Properties, Properties, readonly string[]])[] = [
  ["nothing", { connection: FULL }, { connection: FULL }, []],
  ["another key: an update", { connection: FULL }, { connection: OTHER }, ["connection: update"]],
  ["a connection that is secret and unknown", { connection: FULL }, { connection: secret(UNKNOWN) }, []],
  ["a trigger", { triggers: ["a"] }, { triggers: ["b"] }, ["triggers[0]: update"]],
];

const UNREACHABLE = secret({ ...SAID, host: "no.such.invalid" });
const UNKNOWN_OUTPUT = { stdout: UNKNOWN, stderr: UNKNOWN };

forEachPlugin((plugin) => {
  describe("check accepts", () => {
    for (const [name, connection, settled] of CONNECTIONS) {
      it(`check accepts ${name}`, async () => {
        expect(await plugin.client.check({ connection, ...INPUTS }, COMMAND)).toEqual({
          inputs: { connection: secret(settled), ...INPUTS },
          failures: {},
        });
      });
    }

    it("check accepts a connection that is unknown as a whole", async () => {
      const { inputs } = await plugin.client.check({ connection: UNKNOWN, ...INPUTS }, COMMAND);
      expect(inputs).toEqual({ connection: output({ secret: true }), ...INPUTS });
    });

    it("check accepts all other inputs", async () => {
      const inputs = {
        ...INPUTS,
        create: "a",
        delete: secret("b"),
        stdin: UNKNOWN,
        logging: "none",
        triggers: ["c", secret("d")],
      };
      expect(await plugin.client.check({ connection: secret(SAID), ...inputs }, COMMAND)).toEqual({
        inputs: { connection: secret(SAID), ...inputs },
        failures: {},
      });
    });
  });

  describe("check refuses", () => {
    for (const [name, inputs, failures] of REFUSED) {
      it(`check refuses ${name}`, async () => {
        expect((await plugin.client.check({ ...INPUTS, ...inputs }, COMMAND)).failures).toEqual(failures);
      });
    }
  });

  describe("diff sees", () => {
    for (const [name, olds, news, detailed] of DIFFS) {
      it(`diff of remote commands sees ${name}`, async () => {
        const diff = await plugin.client.diff(olds, olds, news, COMMAND);
        expect(diff).toMatchObject({ changes: detailed.length ? "some" : "none", detailed, replaces: [] });
      });
    }
  });

  describe("a preview reaches no host", () => {
    it("a preview of create contacts no host", async () => {
      const inputs = { connection: UNREACHABLE, create: "a", ...INPUTS };
      const { id, outputs } = await plugin.client.create(inputs, { preview: true }, COMMAND);
      expect(id).toMatch(/^res[0-9a-f]{8}$/);
      expect(outputs).toEqual({ ...inputs, ...UNKNOWN_OUTPUT });
    });

    it("a preview of update contacts no host", async () => {
      const inputs = { connection: UNREACHABLE, create: "a", ...INPUTS };
      const update = (news: Properties): Promise<Properties> =>
        plugin.client.update({ ...inputs, stdout: "out", stderr: "err" }, news, { preview: true }, COMMAND);
      expect(await update(inputs)).toEqual({ ...inputs, stdout: "out", stderr: "err" });
      expect(await update({ ...inputs, create: "b" })).toEqual({ ...inputs, create: "b", ...UNKNOWN_OUTPUT });
      expect(await update({ ...inputs, connection: OTHER })).toMatchObject(UNKNOWN_OUTPUT);
    });
  });

  it("a refresh reads the state as it is, without contacting the host", async () => {
    const inputs = { connection: UNREACHABLE, create: "a", ...INPUTS };
    const properties = { ...inputs, stdout: "out", stderr: "err" };
    expect(await plugin.client.read(properties, inputs, COMMAND)).toEqual({ id: "res1", properties, inputs });
  });
});
