/** What the releases of a stack consist of: from this package, or by one question of the deployer's for all hosts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { shippedPackageLock } from "../../components/targets/packageLocks";
import { packageLockId, openclawIn, lockedPackages } from "../../model/packageLock";
import { OLDEST_VERSION, TESTED_VERSIONS } from "../../model/versions";
import { packageLockOf } from "../support/packageLocks";
import { CLAIM_ID, MockedProgram } from "./program";
import { HOST_KEY } from "./values";

const NEWER = "2026.9.120";
const LOCK = packageLockOf(NEWER);
const WITH_DISCORD = packageLockOf(OLDEST_VERSION);
const INTEGRITY = openclawIn(LOCK)!.integrity!;

const program = new MockedProgram();
const warnings = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
beforeAll(() =>
  program.run(
    ({ Gateway, GatewayPair, SshHost }) => {
      const host = (name: string, address: string, args = {}) =>
        new SshHost(name, {
          host: address,
          hostKey: HOST_KEY,
          password: "canary",
          registry: "http://10.0.0.1",
          ...args,
        });
      const one = host("one", "203.0.113.7");
      new GatewayPair("old", { target: one, version: OLDEST_VERSION });
      const other = host("other", "203.0.113.8", { integrity: { [NEWER]: INTEGRITY } });
      const discord = { channels: { discord: { token: "${DISCORD_BOT_TOKEN}" } } };
      const place = { target: one, version: OLDEST_VERSION, config: discord };
      new Gateway("bot", { ...place, basePort: 22000, profile: "bot", env: { DISCORD_BOT_TOKEN: "one" } });
      new Gateway("bots", { ...place, basePort: 23000, profile: "bots", env: { DISCORD_BOT_TOKEN: "two" } });
      new GatewayPair("new", { target: other, version: NEWER, main: { target: one, basePort: 21000, profile: "new" } });
    },
    ["old-main-deployment@203.0.113.7", "new-rescue-deployment@203.0.113.8", "bots-deployment@203.0.113.7"],
    ({ name }) => (/^openclaw-.*-packages$/.test(name) ? { stdout: name.includes(NEWER) ? LOCK : WITH_DISCORD } : {}),
  ),
);
afterAll(() => program.end());

const stagedFor = (name: string): unknown => {
  const { value } = program.inputsOf(name).stdin as { value: string };
  return JSON.parse(value);
};

it("a version whose lock is in this package needs no command", () => {
  expect(program.names()).toContain(`openclaw-${OLDEST_VERSION}-lock`);
  const packages = shippedPackageLock(OLDEST_VERSION)!;
  expect(stagedFor("old-main-lock@203.0.113.7")).toMatchObject({ version: OLDEST_VERSION, packages });
  expect(program.inputsOf("old-rescue-deployment@203.0.113.7").create).toMatch(
    new RegExp(` apply-locked 'rescue' ${CLAIM_ID} ${CLAIM_ID} ${packageLockId(packages)}$`),
  );
});

it("an untested version is accepted with one warning", () => {
  expect(warnings.mock.calls).toEqual([
    [
      `this release of pulumi-openclaw was not tested with OpenClaw ${NEWER}, only with ${TESTED_VERSIONS.map(({ version }) => version).join(", ")}: ` +
        "`config` is checked by OpenClaw itself before it is used, but not in a preview",
    ],
  ]);
});

const questions = (): string[] => program.names().filter((name) => /^openclaw-.*-packages$/.test(name));

it("a version with plugins is locked once, with the hash of OpenClaw that this package knows", () => {
  const [question, ...more] = questions().filter((name) => name.includes(OLDEST_VERSION));
  expect(more).toEqual([]);
  const asked = program.inputsOf(question!);
  const plugins = { "@openclaw/discord": OLDEST_VERSION };
  expect(asked.create).toMatch(new RegExp(` lock openclaw ${OLDEST_VERSION} @openclaw/discord@${OLDEST_VERSION}$`));
  expect(JSON.parse(asked.stdin as string)).toEqual({
    version: OLDEST_VERSION,
    plugins,
    integrity: openclawIn(shippedPackageLock(OLDEST_VERSION)!)!.integrity,
  });
  for (const gateway of ["bot", "bots"])
    expect(stagedFor(`${gateway}-lock@203.0.113.7`)).toMatchObject({ packages: WITH_DISCORD });
});

it("another version is locked once, with the hash that a host names, for all gateways", () => {
  expect(questions().filter((name) => name.includes(NEWER))).toEqual([`openclaw-${NEWER}-packages`]);
  const asked = program.inputsOf(`openclaw-${NEWER}-packages`);
  expect(asked.create).toMatch(new RegExp(`/deployer-3\\.cjs" lock openclaw ${NEWER}$`));
  expect(JSON.parse(asked.stdin as string)).toEqual({ version: NEWER, integrity: INTEGRITY });
  expect(existsSync(join(program.cache, "pulumi-openclaw/deployer-3.cjs"))).toBe(true);
  for (const gateway of ["new-main-%@203.0.113.7/new", "new-rescue-%@203.0.113.8"]) {
    expect(stagedFor(gateway.replace("%", "lock"))).toMatchObject({ version: NEWER, packages: LOCK });
    expect(program.inputsOf(gateway.replace("%", "deployment")).create).toContain(` ${packageLockId(LOCK)}`);
  }
});

const LOCKS = join(__dirname, "../../locks");

it.each(readdirSync(LOCKS))("the lock %s has every package's sha512, and no address of a registry", (file) => {
  const text = readFileSync(join(LOCKS, file), "utf8").trim();
  expect(file).toBe(`openclaw-${openclawIn(text)?.version}.lock`);
  const packages = Object.entries(lockedPackages(text));
  expect(packages.length).toBeGreaterThan(300);
  for (const [path, found] of packages) {
    expect(found).not.toHaveProperty("resolved");
    const isBundled = found.inBundle && path.startsWith("node_modules/openclaw/");
    if (path !== "" && !isBundled) expect(found.integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
  }
});
