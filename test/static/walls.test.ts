/** The walls between the folders are those of CONTRIBUTING.md, and hold. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { PROJECT } from "../support/engine";

interface Wall {
  readonly files: readonly string[];
  readonly rules: { readonly "no-restricted-imports": readonly [string, { readonly patterns: { regex: string }[] }] };
}

let walls: readonly Wall[];
beforeAll(async () => {
  ({ walls } = (await import(join(PROJECT, "eslint.config.mjs"))) as { walls: readonly Wall[] });
});

const arrows = Object.fromEntries(
  [...readFileSync(join(PROJECT, "CONTRIBUTING.md"), "utf8").matchAll(/(\w+) +→ (\w+(?:, \w+)*)/g)].map(
    ([, room, below]) => [room!, below!.split(", ")],
  ),
);

/** The last rule for a file is the one that counts. */
const forbids = (folder: string, path: string): boolean =>
  walls
    .findLast(({ files }) => files[0] === `${folder}/**/*.ts`)!
    .rules["no-restricted-imports"][1].patterns.some(({ regex }) => new RegExp(regex).test(path));

const ROOMS = ["model", "inspect", "ssh", "components", "host", "deployer", "cli", "toolchain"];

it.each(ROOMS)("%s/ imports what CONTRIBUTING.md says, and nothing else", (room) => {
  const allowed = ROOMS.filter((other) => other !== room && !forbids(room, `../../${other}/spec`));
  expect(allowed.sort()).toEqual((arrows[room] ?? []).sort());
  expect(forbids(room, "../test/support/hosts")).toBe(true);
});

it("no target imports another, nor what its folder must not", () => {
  expect(forbids("components/targets/ssh", "../docker/container")).toBe(true);
  expect(forbids("components/targets/ssh", "../docker")).toBe(true);
  expect(forbids("components/targets/ssh", "../../../host/main")).toBe(true);
  expect(forbids("components/targets/ssh", "../hostGateway")).toBe(false);
  expect(forbids("components/targets/ssh", "./look")).toBe(false);
});

it("model/ is pure", () => {
  expect(forbids("model", "node:fs")).toBe(true);
  expect(forbids("model", "node:child_process")).toBe(true);
  expect(forbids("model", "node:path")).toBe(false);
});
