/** What compilers and linters say of all sources. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { finished } from "../support/processes";

const PROJECT = join(__dirname, "..", "..");

it.each([
  ["types", "tsc -p ."],
  ["lint", "eslint ."],
  ["format", "prettier --check --log-level warn ."],
])("the sources pass the check of %s", async (_, line) => {
  const [program, ...args] = line.split(" ");
  const child = spawn(join(PROJECT, "node_modules/.bin", program!), args, { cwd: PROJECT });
  const { code, stdout, stderr } = await finished(child);
  expect(code, stdout + stderr).toBe(0);
});
