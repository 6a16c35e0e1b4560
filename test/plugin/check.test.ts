/** Check: what becomes of inputs, and which are refused. */
import { expect, it } from "vitest";
import type { Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { output, secret, UNKNOWN } from "./wire";

/** Without a third element, the inputs come back as they are. */
const ACCEPTED: readonly (readonly [string, Properties, Properties?])[] = [
  [
    "plain values",
    { create: "a", delete: "b", stdin: "c", triggers: ["d"], addPreviousOutputInEnv: false, logging: "none" },
  ],
  ["no triggers", { create: "a", triggers: [] }],
  ["a secret", { stdin: secret("a") }],
  ["a secret in triggers", { triggers: ["a", secret("b")] }],
  ["unknown", { create: UNKNOWN, stdin: UNKNOWN, triggers: ["a", UNKNOWN] }],
  ["an unknown secret: known and empty", { stdin: secret(UNKNOWN) }, { stdin: secret("") }],
  ["an output", { create: output({ value: "a", dependencies: ["urn:pulumi:dev::p::a:b:C::d"] }) }, { create: "a" }],
  ["an unknown output", { create: output({}) }, { create: UNKNOWN }],
  ["a secret output", { create: output({ value: "a", secret: true }) }, { create: secret("a") }],
];

const wrongType = (path: string, wanted: string, got: string): string =>
  `Field '${path}' on 'local.CommandInputs' must be a '${wanted}'; got '${got}' instead`;

const REFUSED: readonly (readonly [string, Properties, Record<string, string>])[] = [
  [
    "wrong types",
    { create: 1, stdin: secret(true), triggers: "a" },
    {
      create: wrongType("create", "string", "float64"),
      stdin: wrongType("stdin", "string", "bool"),
      triggers: wrongType("triggers", "[]interface {}", "string"),
    },
  ],
  ["unknown properties", { foo: 1 }, { foo: "Unrecognized field 'foo' on 'local.CommandInputs'" }],
];

forEachPlugin((plugin) => {
  for (const [name, inputs, checked = inputs] of ACCEPTED) {
    it(`check accepts ${name}`, async () => {
      expect(await plugin.client.check(inputs)).toEqual({ inputs: checked, failures: {} });
    });
  }

  for (const [name, inputs, failures] of REFUSED) {
    it(`check refuses ${name}`, async () => {
      expect((await plugin.client.check(inputs)).failures).toEqual(failures);
    });
  }
});
