import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configuredBackend, localBackend } from "../../toolchain/backend";

const PROJECT = "name: openclaw\nruntime: nodejs\n";

describe("who configured the backend", () => {
  test.each([
    ["nobody", { env: {}, project: PROJECT, credentials: undefined }, undefined],
    [
      "the environment",
      { env: { PULUMI_BACKEND_URL: "s3://b" }, project: PROJECT, credentials: undefined },
      "PULUMI_BACKEND_URL",
    ],
    ["an empty variable", { env: { PULUMI_BACKEND_URL: "" }, project: PROJECT, credentials: undefined }, undefined],
    [
      "an access token",
      { env: { PULUMI_ACCESS_TOKEN: "t" }, project: PROJECT, credentials: undefined },
      "PULUMI_ACCESS_TOKEN",
    ],
    ["the project", { env: {}, project: `${PROJECT}backend:\n  url: s3://b\n`, credentials: undefined }, "Pulumi.yaml"],
    [
      "a key elsewhere",
      { env: {}, project: `${PROJECT}config:\n  backend:\n    default: x\n`, credentials: undefined },
      undefined,
    ],
    ["a login", { env: {}, project: PROJECT, credentials: '{"current":"file://~"}' }, "`pulumi login`"],
    ["encrypted credentials", { env: {}, project: PROJECT, credentials: '{"$pulumiSecureStore":1}' }, "`pulumi login`"],
    ["a logout", { env: {}, project: PROJECT, credentials: '{"current":"","accounts":{}}' }, undefined],
    ["an empty file", { env: {}, project: PROJECT, credentials: "" }, undefined],
  ])("who configured the backend is found: %s", (_, settings, expected) => {
    expect(configuredBackend(settings)).toBe(expected);
  });
});

describe("the local backend", () => {
  let directory: string;
  beforeEach(() => (directory = join(mkdtempSync(join(tmpdir(), "backend-")), ".pulumi-local")));
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }));
  const mode = (file: string): number => statSync(file).mode & 0o777;

  test("the local backend keeps its passphrase, readable by nobody else and ignored by git", () => {
    const { PULUMI_CONFIG_PASSPHRASE_FILE: file = "" } = localBackend(directory, {});
    const passphrase = readFileSync(file, "utf8");
    expect(passphrase.trim().length).toBeGreaterThan(40);
    expect([mode(directory), mode(file)]).toEqual([0o700, 0o600]);
    expect(readFileSync(join(directory, ".gitignore"), "utf8")).toBe("*\n");
    localBackend(directory, {});
    expect(readFileSync(file, "utf8")).toBe(passphrase);
  });

  test.each(["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])(
    "the local backend uses the caller's %s",
    (name) => {
      expect(Object.keys(localBackend(directory, { [name]: "" }))).toEqual(["PULUMI_BACKEND_URL"]);
      expect(existsSync(join(directory, "passphrase"))).toBe(false);
    },
  );

  test("the local backend creates no new passphrase for a state that needs the old one", () => {
    mkdirSync(join(directory, "state", ".pulumi", "stacks"), { recursive: true });
    expect(() => localBackend(directory, {})).toThrow(/passphrase is missing/);
    expect(existsSync(join(directory, "passphrase"))).toBe(false);
  });
});
