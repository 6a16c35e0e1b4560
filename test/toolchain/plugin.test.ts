import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { adviceOnDocker } from "../../toolchain/plugin";

const CLOSED = { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true", PATH: "/nowhere" };

test.each([
  ["the whole stack", "config:\n  openclaw:target: docker\n", CLOSED, true],
  ["one of its gateways", "config:\n  openclaw:main:\n    basePort: 1\n    target: docker\n", CLOSED, true],
  ["none", "config:\n  openclaw:target: ssh\n", CLOSED, false],
  ["a machine that downloads plugins", "config:\n  openclaw:target: docker\n", { PATH: "/nowhere" }, false],
])("where the docker plugin is missing: %s", (_, config, env, isAdvised) => {
  expect(adviceOnDocker(config, env) !== undefined).toBe(isAdvised);
});

test("where the docker plugin is on PATH, no advice", () => {
  const directory = mkdtempSync(join(tmpdir(), "plugin-"));
  const plugin = join(directory, "pulumi-resource-docker");
  try {
    writeFileSync(plugin, "");
    chmodSync(plugin, 0o755);
    expect(adviceOnDocker("  openclaw:target: docker\n", { ...CLOSED, PATH: directory })).toBeUndefined();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
