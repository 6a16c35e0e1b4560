/** Diff: which changes are seen, and which of them replace. */
import { expect, it } from "vitest";
import type { Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { secret, UNKNOWN } from "./wire";

type Row = readonly [name: string, oldInputs: Properties, news: Properties, detailed: readonly string[]];

const ROWS: readonly Row[] = [
  ["nothing", { create: "a", triggers: ["b"] }, { create: "a", triggers: ["b"] }, []],
  ["a changed input", { create: "a" }, { create: "b" }, ["create: update"]],
  ["an added input", { create: "a" }, { create: "a", stdin: "b" }, ["stdin: add"]],
  ["a removed input", { create: "a", stdin: "b" }, { create: "a" }, ["stdin: delete"]],
  ["the engine's own inputs", { create: "a" }, { create: "a", version: "1", __internal: 1 }, []],

  // The SDK's replaceOnChanges makes these replace as well.
  ["a trigger", { triggers: ["a"] }, { triggers: ["b"] }, ["triggers[0]: update"]],
  ["an added trigger", { triggers: ["a"] }, { triggers: ["a", "b"] }, ["triggers[1]: add"]],
  ["a removed trigger", { triggers: ["a", "b"] }, { triggers: ["a"] }, ["triggers[1]: delete"]],
  ["a trigger that is not known yet", { triggers: ["a"] }, { triggers: [UNKNOWN] }, ["triggers[0]: update"]],
  ["triggers where there were none", {}, { triggers: ["a"] }, ["triggers: add-replace"]],
  ["no triggers where there were some", { triggers: ["a"] }, {}, ["triggers: delete-replace"]],

  ["a secret", { stdin: secret("a") }, { stdin: secret("b") }, ["stdin: update"]],
  ["a secret that is the same", { stdin: secret("a") }, { stdin: secret("a") }, []],
  ["a value that becomes secret", { stdin: "a" }, { stdin: secret("a") }, ["stdin: update"]],
  ["a value that becomes unknown", { stdin: "a" }, { stdin: UNKNOWN }, ["stdin: update"]],
  ["an unknown that is added", {}, { stdin: UNKNOWN }, ["stdin: add"]],
  ["a secret that becomes unknown", { stdin: secret("a") }, { stdin: secret(UNKNOWN) }, []],
  ["an unknown secret that is added", {}, { stdin: secret(UNKNOWN) }, []],
];

forEachPlugin((plugin) => {
  for (const [name, oldInputs, news, detailed] of ROWS) {
    it(`diff sees ${name}`, async () => {
      const state = { ...oldInputs, stdout: "", stderr: "" };
      const properties = (changes: readonly string[]): string[] => [
        ...new Set(changes.map((change) => /^\w+/.exec(change)![0])),
      ];
      expect(await plugin.client.diff(state, oldInputs, news)).toEqual({
        changes: detailed.length ? "some" : "none",
        diffs: properties(detailed),
        replaces: properties(detailed.filter((change) => change.endsWith("-replace"))),
        deleteBeforeReplace: false,
        detailed,
      });
    });
  }

  it("diff compares with the old inputs", async () => {
    const state = { create: "b", stdout: "", stderr: "" };
    const { detailed } = await plugin.client.diff(state, { create: "a" }, { create: "b" });
    expect(detailed).toEqual(["create: update"]);
  });
});
