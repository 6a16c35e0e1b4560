/** Check: what becomes of inputs, and which are refused. */
import { expect, it } from "vitest";
import { refusal, type Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import {
  archive,
  asset,
  output,
  reference,
  secret,
  signed,
  UNKNOWN,
  UNKNOWN_BOOLEAN,
  UNKNOWN_LIST,
  UNKNOWN_OBJECT,
} from "./wire";

const URN = { urn: "urn:pulumi:dev::p::a:b:C::d" };
const EMPTY_TEXT = { path: "", uri: "" };

/** Without a third element, the inputs come back as they are. */
const ACCEPTED: readonly (readonly [string, Properties, Properties?])[] = [
  ["nothing", {}],
  ["plain values", { create: "a", update: "b", delete: "c", stdin: "d", dir: "/", addPreviousOutputInEnv: false }],
  [
    "lists and maps",
    { interpreter: ["sh", "-c"], environment: { A: "b" }, triggers: [1, "a", true, null, { a: [{}] }] },
  ],
  ["empty lists and maps", { interpreter: [], environment: {}, triggers: [] }],
  ["a logging mode that does not exist", { logging: "loud" }],
  [
    "null: dropped, but not from lists",
    { create: null, environment: { A: null }, triggers: [null, { a: null }] },
    { environment: {}, triggers: [null, {}] },
  ],

  ["a secret", { stdin: secret("a") }],
  ["a secret map", { environment: secret({ A: "a" }) }],
  ["an empty secret map", { environment: secret({}) }],
  ["a secret in a map", { environment: { A: secret("a"), B: "b" } }],
  ["a secret in triggers", { triggers: ["a", secret("b"), { a: secret("c") }] }],
  ["a secret in a secret", { stdin: secret(secret("a")) }, { stdin: secret("a") }],

  ["unknown", { create: UNKNOWN, triggers: UNKNOWN, environment: UNKNOWN }],
  [
    "unknown, of other types",
    { addPreviousOutputInEnv: UNKNOWN_BOOLEAN, triggers: UNKNOWN_LIST, environment: UNKNOWN_OBJECT },
    { addPreviousOutputInEnv: UNKNOWN, triggers: UNKNOWN, environment: UNKNOWN },
  ],
  ["unknown, of the wrong type", { dir: UNKNOWN_BOOLEAN }, { dir: UNKNOWN }],
  [
    "unknown elements",
    { interpreter: [UNKNOWN, "-c"], environment: { A: UNKNOWN }, triggers: [UNKNOWN, { a: UNKNOWN }] },
  ],
  ["an unknown list of strings: dropped", { interpreter: UNKNOWN_LIST, create: "a" }, { create: "a" }],

  ["an unknown secret: known and empty", { stdin: secret(UNKNOWN) }, { stdin: secret("") }],
  [
    "an unknown secret boolean",
    { addPreviousOutputInEnv: secret(UNKNOWN_BOOLEAN) },
    { addPreviousOutputInEnv: secret(false) },
  ],
  ["an unknown secret map", { environment: secret(UNKNOWN_OBJECT) }, { environment: secret({}) }],
  ["unknown secret triggers", { triggers: secret(UNKNOWN_LIST) }, { triggers: secret([]) }],
  ["an unknown secret list of strings: dropped", { interpreter: secret(UNKNOWN_LIST) }, {}],
  ["an unknown secret in a map", { environment: { A: secret(UNKNOWN) } }, { environment: { A: secret("") } }],
  ["an unknown secret in a list", { interpreter: [secret(UNKNOWN)] }, { interpreter: [secret("")] }],
  ["an unknown in a secret map", { environment: secret({ A: UNKNOWN }) }],
  [
    "an unknown secret deep in triggers: an output",
    { triggers: [{ a: secret(UNKNOWN) }] },
    { triggers: [{ a: output({ secret: true }) }] },
  ],

  ["an output", { create: output({ value: "a", dependencies: [URN.urn] }) }, { create: "a" }],
  ["an unknown output", { create: output({}) }, { create: UNKNOWN }],
  ["a secret output", { create: output({ value: "a", secret: true }) }, { create: secret("a") }],

  [
    "an asset: all its fields",
    { triggers: [asset({ text: "a", hash: "b" })] },
    { triggers: [asset({ text: "a", hash: "b", ...EMPTY_TEXT })] },
  ],
  [
    "a file",
    { triggers: [{ a: asset({ path: "./a", hash: "b" }) }] },
    { triggers: [{ a: asset({ path: "./a", hash: "b", text: "", uri: "" }) }] },
  ],
  [
    "an archive",
    { triggers: [archive({ path: "./a", hash: "b" })] },
    { triggers: [archive({ path: "./a", hash: "b", uri: "", assets: {} })] },
  ],
  [
    "an archive of assets",
    { triggers: [archive({ hash: "b", assets: { a: asset({ text: "a" }) } })] },
    { triggers: [archive({ hash: "b", ...EMPTY_TEXT, assets: { a: asset({ text: "a", hash: "", ...EMPTY_TEXT }) } })] },
  ],
  [
    "a resource: an empty object",
    { triggers: [reference(URN), { a: reference({ ...URN, id: "i" }) }] },
    { triggers: [{}, { a: {} }] },
  ],
];

const wrongType = (path: string, wanted: string, got: string): string =>
  `Field '${path}' on 'local.CommandInputs' must be a '${wanted}'; got '${got}' instead`;
const anObject = (path: string, wanted: string): string =>
  `An error occurred decoding 'CommandInputs.${path}': ` +
  `Cannot decode Object{} to type ${wanted}; it isn't a struct, and no custom decoder exists`;
const unrecognized = (name: string): string => `Unrecognized field '${name}' on 'local.CommandInputs'`;

const REFUSED: readonly (readonly [string, Properties, Record<string, string>])[] = [
  ["a number for a string", { create: 1 }, { create: wrongType("create", "string", "float64") }],
  ["a boolean for a string", { stdin: true }, { stdin: wrongType("stdin", "string", "bool") }],
  ["a list for a string", { delete: ["a"] }, { delete: wrongType("delete", "string", "[]interface {}") }],
  ["an object for a string", { dir: { a: 1 } }, { dir: anObject("dir", "string") }],
  [
    "a resource for a string",
    { create: reference(URN) },
    { create: wrongType("create", "string", "resource.ResourceReference") },
  ],
  ["an asset for a string", { create: asset({ text: "a" }) }, { create: wrongType("create", "string", "asset.Asset") }],
  [
    "an asset for a map",
    { environment: asset({ text: "a" }) },
    { environment: wrongType("environment", "map[string]string", "asset.Asset") },
  ],
  [
    "a string for a boolean",
    { addPreviousOutputInEnv: "true" },
    { addPreviousOutputInEnv: wrongType("addPreviousOutputInEnv", "bool", "string") },
  ],
  ["a number for a logging mode", { logging: 5 }, { logging: wrongType("logging", "local.Logging", "float64") }],
  ["a string for a list", { interpreter: "sh" }, { interpreter: wrongType("interpreter", "[]string", "string") }],
  ["an object for a list", { interpreter: {} }, { interpreter: anObject("interpreter", "[]string") }],
  ["a string for triggers", { triggers: "a" }, { triggers: wrongType("triggers", "[]interface {}", "string") }],
  [
    "a list for a map",
    { environment: ["a"] },
    { environment: wrongType("environment", "map[string]string", "[]interface {}") },
  ],
  [
    "a number in a list",
    { interpreter: ["a", 1, 2] },
    { "interpreter[1]": wrongType("interpreter[1]", "string", "float64") },
  ],
  ["an object in a list", { interpreter: [{}] }, { "interpreter[0]": anObject("interpreter[0]", "string") }],
  [
    "a number in a map",
    { environment: { A: 1 } },
    { "environment[A] value": wrongType("environment[A] value", "string", "float64") },
  ],
  [
    "an object in a map",
    { environment: { A: {} } },
    { "environment[A] value": anObject("environment[A] value", "string") },
  ],
  ["a secret number for a string", { create: secret(1) }, { create: wrongType("create", "string", "float64") }],
  [
    "unknown properties",
    { foo: 1, stdout: "a", version: "1", constructor: "a" },
    {
      foo: unrecognized("foo"),
      stdout: unrecognized("stdout"),
      version: unrecognized("version"),
      constructor: unrecognized("constructor"),
    },
  ],
  [
    "several at once",
    { foo: "a", create: 1, dir: true },
    {
      create: wrongType("create", "string", "float64"),
      dir: wrongType("dir", "string", "bool"),
      foo: unrecognized("foo"),
    },
  ],
];

forEachPlugin((plugin) => {
  for (const [name, inputs, checked = inputs] of ACCEPTED) {
    it(`accepts ${name}`, async () => {
      expect(await plugin.client.check(inputs)).toEqual({ inputs: checked, failures: {} });
    });
  }

  for (const [name, inputs, failures] of REFUSED) {
    it(`refuses ${name}`, async () => {
      expect((await plugin.client.check(inputs)).failures).toEqual(failures);
    });
  }

  it("cannot read a secret without a value", async () => {
    const reason = { code: 2, message: 'malformed RPC secret: missing value for "stdin"' };
    expect(await refusal(plugin.client.check({ stdin: secret(null) }))).toEqual(reason);
  });

  it("cannot read a value of a kind that is still to come", async () => {
    const reason = { code: 2, message: `unrecognized signature 'new' in property map for "triggers"` };
    expect(await refusal(plugin.client.check({ triggers: [signed("new")] }))).toEqual(reason);
  });
});
