/** Create and Update in a preview: which outputs are known, which are not, and that nothing runs. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import type { Properties } from "./pluginClient";
import { forEachPlugin } from "./plugins";
import { asset, output, secret, UNKNOWN } from "./wire";

const NOT_RUN = `/tmp/a-preview-has-run-a-command-${process.pid}`;
const UNKNOWN_OUTPUT = { stdout: UNKNOWN, stderr: UNKNOWN };
const OLD_OUTPUT = { stdout: "out", stderr: "err" };

/** Outputs are unknown; inputs come back as they are but for the third element. */
const CREATES: readonly (readonly [string, Properties, Properties?])[] = [
  ["plain inputs", { create: `touch ${NOT_RUN}`, environment: { A: "a" }, triggers: [1] }],
  ["nothing to run", {}],
  ["secrets and unknowns", { create: UNKNOWN, stdin: secret("a"), environment: { A: UNKNOWN, B: secret("b") } }],
  ["an unknown secret", { stdin: secret(UNKNOWN) }, { stdin: output({ secret: true }) }],
  ["an asset: the whole input", { triggers: ["a", asset({ text: "a", hash: "1" })] }, { triggers: UNKNOWN }],
];

/** From inputs, to inputs: whether the outputs are unknown. */
const UPDATES: readonly (readonly [string, Properties, Properties, boolean])[] = [
  ["the same inputs", { create: "a" }, { create: "a" }, false],
  ["a changed input", { create: "a" }, { create: `touch ${NOT_RUN}` }, true],
  ["an input less", { create: "a", stdin: "b" }, { create: "a" }, true],
  ["one more input: the old outputs", { create: "a" }, { create: "a", stdin: "b" }, false],
  ["one more input that is unknown", { create: "a" }, { create: "a", stdin: UNKNOWN }, true],
  ["one more input with an unknown in it: the old outputs", {}, { environment: { A: UNKNOWN } }, false],
  ["a changed entry", { environment: { A: "a" } }, { environment: { A: "b" } }, true],
  ["an entry more", { environment: { A: "a" } }, { environment: { A: "a", B: "b" } }, true],
  ["a changed trigger", { triggers: [1] }, { triggers: [2] }, true],
  ["an input that becomes secret", { stdin: "a" }, { stdin: secret("a") }, true],
  ["the same secret", { stdin: secret("a") }, { stdin: secret("a") }, false],
  ["the same unknown in an object", { environment: { A: UNKNOWN } }, { environment: { A: UNKNOWN } }, false],
];

forEachPlugin((plugin) => {
  for (const [name, inputs, echoed = inputs] of CREATES) {
    it(`create with ${name}`, async () => {
      const { id, outputs } = await plugin.client.create(inputs, { preview: true });
      expect(id).toMatch(/^res[0-9a-f]{8}$/);
      expect(outputs).toEqual({ ...echoed, ...UNKNOWN_OUTPUT });
    });
  }

  for (const [name, olds, news, isUnknown] of UPDATES) {
    it(`update with ${name}`, async () => {
      const outputs = await plugin.client.update({ ...olds, ...OLD_OUTPUT }, news, { preview: true });
      expect(outputs).toEqual({ ...news, ...(isUnknown ? UNKNOWN_OUTPUT : OLD_OUTPUT) });
    });
  }

  it("update with an ignored change", async () => {
    const options = { preview: true, ignoreChanges: ["create"] };
    const outputs = await plugin.client.update({ create: "a", ...OLD_OUTPUT }, { create: "b" }, options);
    expect(outputs).toEqual({ create: "a", ...OLD_OUTPUT });
  });

  it("update of a secret output: plain, as the engine knows which outputs are secret", async () => {
    const state = { create: "a", stdout: secret("out"), stderr: "" };
    expect(await plugin.client.update(state, { create: "a" }, { preview: true })).toMatchObject({ stdout: "out" });
  });

  it("runs nothing", () => expect(existsSync(NOT_RUN)).toBe(false));
});
