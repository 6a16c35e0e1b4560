/** Diff: which changes are seen, and which of them replace. */
import { expect, it } from "vitest";
import type { Properties, StepOptions } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { asset, secret, UNKNOWN } from "./wire";

type Row = readonly [
  name: string,
  oldInputs: Properties,
  news: Properties,
  detailed: readonly string[],
  options?: StepOptions,
];

const ROWS: readonly Row[] = [
  ["nothing", { create: "a" }, { create: "a" }, []],
  ["a changed input", { create: "a" }, { create: "b" }, ["create: update"]],
  ["an added input", { create: "a" }, { create: "a", stdin: "b" }, ["stdin: add"]],
  ["a removed input", { create: "a", stdin: "b" }, { create: "a" }, ["stdin: delete"]],
  ["an input of another type", { create: "a" }, { create: 1 }, ["create: update"]],
  ["an unrecognized input", { foo: "a" }, { foo: "b" }, ["foo: update"]],
  ["the engine's own inputs", { create: "a" }, { create: "a", version: "1", __internal: 1 }, []],
  ["the engine's own old inputs", { version: "1", __internal: 1 }, {}, ["__internal: delete", "version: delete"]],

  [
    "entries of a map",
    { environment: { A: "1", B: "2" } },
    { environment: { A: "2", C: "3" } },
    ["environment.A: update", "environment.B: delete", "environment.C: add"],
  ],
  ["an empty map that is added", {}, { environment: {} }, ["environment: add"]],
  ["an empty map that is removed", { environment: {} }, {}, ["environment: delete"]],
  [
    "elements of a list",
    { interpreter: ["a", "b"] },
    { interpreter: ["a", "c", "d"] },
    ["interpreter[1]: update", "interpreter[2]: add"],
  ],

  // The SDK's replaceOnChanges makes these replace as well.
  ["a trigger", { triggers: ["a"] }, { triggers: ["b"] }, ["triggers[0]: update"]],
  ["an added trigger", { triggers: ["a"] }, { triggers: ["a", "b"] }, ["triggers[1]: add"]],
  ["a removed trigger", { triggers: ["a", "b"] }, { triggers: ["a"] }, ["triggers[1]: delete"]],
  ["a trigger that is not known yet", { triggers: ["a"] }, { triggers: [UNKNOWN] }, ["triggers[0]: update"]],
  ["a trigger of another type", { triggers: ["a"] }, { triggers: [{ a: 1 }] }, ["triggers[0]: update"]],
  ["null as an old trigger", { triggers: [null] }, { triggers: ["a"] }, ["triggers[0]: add"]],
  ["null as an old trigger, and an unknown one", { triggers: [null] }, { triggers: [UNKNOWN] }, ["triggers[0]: add"]],
  ["null as a new trigger", { triggers: ["a"] }, { triggers: [null] }, ["triggers[0]: delete"]],
  [
    "names that need quotes",
    { triggers: [{ a: { "b.c": 1, 'd"e': 1, "0": [1], "f-g": 1, ö: 1 } }] },
    { triggers: [{ a: { "b.c": 2, 'd"e': 2, "0": [2], "f-g": 2, ö: 2 } }] },
    [
      "triggers[0].a.0[0]: update",
      'triggers[0].a["b.c"]: update',
      'triggers[0].a["d\\"e"]: update',
      'triggers[0].a["f-g"]: update',
      'triggers[0].a["ö"]: update',
    ],
  ],
  ["triggers where there were none", {}, { triggers: ["a"] }, ["triggers: add-replace"]],
  ["no triggers where there were some", { triggers: ["a"] }, {}, ["triggers: delete-replace"]],
  ["triggers that are not known yet", { triggers: ["a"] }, { triggers: UNKNOWN }, ["triggers: update-replace"]],
  ["secret triggers", { triggers: secret(["a"]) }, { triggers: secret(["b"]) }, ["triggers: update-replace"]],

  ["a secret", { stdin: secret("a") }, { stdin: secret("b") }, ["stdin: update"]],
  ["a secret that is the same", { stdin: secret("a") }, { stdin: secret("a") }, []],
  ["a value that becomes secret", { stdin: "a" }, { stdin: secret("a") }, ["stdin: update"]],
  ["a value that becomes unknown", { stdin: "a" }, { stdin: UNKNOWN }, ["stdin: update"]],
  ["an unknown that is added", {}, { stdin: UNKNOWN }, ["stdin: add"]],
  ["a secret that becomes unknown", { stdin: secret("a") }, { stdin: secret(UNKNOWN) }, []],
  ["an unknown secret that is added", {}, { stdin: secret(UNKNOWN) }, []],
  [
    "an entry that becomes secret and unknown",
    { environment: { A: "a" } },
    { environment: { A: secret(UNKNOWN) } },
    [],
  ],
  [
    "an element that becomes secret and unknown",
    { interpreter: ["a"] },
    { interpreter: [secret(UNKNOWN)] },
    ["interpreter[0]: update"],
  ],

  [
    "an asset with another text and the same hash",
    { triggers: [asset({ text: "a", hash: "1" })] },
    { triggers: [asset({ text: "b", hash: "1" })] },
    [],
  ],
  [
    "an asset with another hash",
    { triggers: [asset({ text: "a", hash: "1" })] },
    { triggers: [asset({ text: "a", hash: "2" })] },
    ["triggers[0]: update"],
  ],

  ["an ignored change", { create: "a" }, { create: "b" }, [], { ignoreChanges: ["create"] }],
  ["an ignored addition", { create: "a" }, { create: "a", stdin: "b" }, ["stdin: add"], { ignoreChanges: ["stdin"] }],
  [
    "an ignored path",
    { environment: { A: "1" } },
    { environment: { A: "2" } },
    ["environment.A: update"],
    { ignoreChanges: ["environment.A"] },
  ],
];

forEachPlugin((plugin) => {
  for (const [name, oldInputs, news, detailed, options] of ROWS) {
    it(name, async () => {
      const state = { ...oldInputs, stdout: "", stderr: "" };
      const properties = (changes: readonly string[]): string[] => [
        ...new Set(changes.map((change) => /^\w+/.exec(change)![0])),
      ];
      expect(await plugin.client.diff(state, oldInputs, news, options)).toEqual({
        changes: detailed.length ? "some" : "none",
        diffs: properties(detailed),
        replaces: properties(detailed.filter((change) => change.endsWith("-replace"))),
        deleteBeforeReplace: false,
        detailed,
      });
    });
  }

  it("goes by the old inputs", async () => {
    const { detailed } = await plugin.client.diff(
      { create: "b", stdout: "", stderr: "" },
      { create: "a" },
      { create: "b" },
    );
    expect(detailed).toEqual(["create: update"]);
  });

  it("goes by the state's inputs for an engine that does not send old inputs", async () => {
    const other = await plugin.start();
    await other.configure({ sendsOldInputs: false });
    const state = { create: "b", stdout: "", stderr: "" };
    expect((await other.diff(state, { create: "a" }, { create: "b" })).detailed).toEqual([]);
    expect((await other.diff(state, { create: "a" }, { create: "c" })).detailed).toEqual(["create: update"]);
  });
});
