import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { engineVersion, isAtLeast } from "../../toolchain/engine";

describe("isAtLeast", () => {
  test.each([
    ["v3.259.0", "3.259.0", true],
    ["v3.259.1", "3.259.0", true],
    ["v3.260.0", "3.259.9", true],
    ["v4.0.0", "3.259.0", true],
    ["v3.260.0-alpha.1+dirty", "3.259.0", true],
    ["v3.258.9", "3.259.0", false],
    ["v3.99.0", "3.259.0", false],
    ["v2.300.0", "3.259.0", false],
    ["1.26", "1.25.11", true],
    ["1.25", "1.25.11", false],
    ["", "3.259.0", false],
    ["command not found", "3.259.0", false],
  ])("version %s is at least %s: %s", (version, oldest, expected) => {
    expect(isAtLeast(version, oldest)).toBe(expected);
  });
});

test("the engine's module asks for one version of the engine and of its SDK", () => {
  const module = readFileSync(join(__dirname, "../../toolchain/go/pulumi/go.mod"), "utf8");
  expect(engineVersion()).toMatch(/^\d+\.\d+\.\d+$/);
  expect(module).toContain(`github.com/pulumi/pulumi/sdk/v3 v${engineVersion()}`);
});
