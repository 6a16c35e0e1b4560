/** Create and Update in a preview: which outputs are known, which are not, and that nothing runs. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import type { Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { output, secret, UNKNOWN } from "./wire";

const NOT_RUN = `/tmp/a-preview-has-run-a-command-${process.pid}`;
const UNKNOWN_OUTPUT = { stdout: UNKNOWN, stderr: UNKNOWN };
const OLD_OUTPUT = { stdout: "out", stderr: "err" };

/** Outputs are unknown; inputs come back as they are but for the third element. */
const CREATES: readonly (readonly [string, Properties, Properties?])[] = [
  ["plain inputs", { create: `touch ${NOT_RUN}`, triggers: ["a"] }],
  ["secrets and unknowns", { create: UNKNOWN, stdin: secret("a"), triggers: ["a", UNKNOWN] }],
  ["an unknown secret", { stdin: secret(UNKNOWN) }, { stdin: output({ secret: true }) }],
];

/** From inputs, to inputs: whether the outputs are unknown. */
const UPDATES: readonly (readonly [string, Properties, Properties, boolean])[] = [
  ["the same inputs", { create: "a" }, { create: "a" }, false],
  ["a changed input", { create: "a" }, { create: `touch ${NOT_RUN}` }, true],
  ["an input less", { create: "a", stdin: "b" }, { create: "a" }, true],
  ["one more input: the old outputs", { create: "a" }, { create: "a", stdin: "b" }, false],
  ["one more input that is unknown", { create: "a" }, { create: "a", stdin: UNKNOWN }, true],
  ["a changed trigger", { triggers: ["a"] }, { triggers: ["b"] }, true],
  ["an input that becomes secret", { stdin: "a" }, { stdin: secret("a") }, true],
  ["the same secret", { stdin: secret("a") }, { stdin: secret("a") }, false],
];

forEachPlugin((plugin) => {
  for (const [name, inputs, echoed = inputs] of CREATES) {
    it(`a preview of create echoes ${name}`, async () => {
      const { id, outputs } = await plugin.client.create(inputs, { preview: true });
      expect(id).toMatch(/^res[0-9a-f]{8}$/);
      expect(outputs).toEqual({ ...echoed, ...UNKNOWN_OUTPUT });
    });
  }

  for (const [name, olds, news, isUnknown] of UPDATES) {
    it(`a preview of update handles ${name}`, async () => {
      const outputs = await plugin.client.update({ ...olds, ...OLD_OUTPUT }, news, { preview: true });
      expect(outputs).toEqual({ ...news, ...(isUnknown ? UNKNOWN_OUTPUT : OLD_OUTPUT) });
    });
  }

  it("update previews a secret output as plain, since the engine knows which outputs are secret", async () => {
    const state = { create: "a", stdout: secret("out"), stderr: "" };
    expect(await plugin.client.update(state, { create: "a" }, { preview: true })).toMatchObject({ stdout: "out" });
  });

  it("a preview runs nothing", () => expect(existsSync(NOT_RUN)).toBe(false));
});
