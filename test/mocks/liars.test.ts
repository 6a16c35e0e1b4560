/** Machines that answer with something else than what was asked for: it goes nowhere. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type * as library from "../../components";
import { lockOf } from "../support/locks";
import { HOST_KEY } from "./values";

const LIE = "cafe; (id >/tmp/canary-of-a-lie) #";
const TRUE_ID = "0123456789abcdef";
const CONTAINER_ID = "c0".repeat(32);

const cache = mkdtempSync(join(tmpdir(), "liars-cache-"));
beforeAll(() => void vi.stubEnv("XDG_CACHE_HOME", cache));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

const registered: string[] = [];
let refusals: Error[] = [];
const note = (error: Error): void => void refusals.push(error);
beforeEach(() => {
  refusals = [];
  registered.length = 0;
  // Vitest ends a run at an error that nobody catches, which is how a program ends.
  for (const name of ["uncaughtException", "unhandledRejection"] as const) {
    listeners.set(name, process.listeners(name as never) as never);
    process.removeAllListeners(name).on(name, note);
  }
});
afterEach(() => {
  for (const [name, former] of listeners) {
    process.removeAllListeners(name);
    for (const each of former) process.on(name, each as never);
  }
});
const listeners = new Map<string, (() => void)[]>();

const NEWER = "2026.9.120";

/** Runs a pair of which one command, or the engine, answers with a lie. `integrity`: of a version that the stack has locked. */
async function run(liar: string, on: "host" | "engine", integrity?: string): Promise<void> {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registered.push(`${name} ${JSON.stringify(inputs)}`);
        const isLiar = name.startsWith(liar);
        const isContainer = type.endsWith(":Container");
        const id = !isContainer ? name : isLiar ? LIE : CONTAINER_ID;
        const state = inputs as { input?: unknown };
        const output = name === `openclaw-${NEWER}-lock` ? lockOf(NEWER) : state.input;
        return { id, state: { ...state, output, stdout: isLiar ? LIE : TRUE_ID, imageId: "image" } };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    false,
  );
  const { GatewayPair, SshHost, DockerEngine }: typeof library = await import("../../components");
  const named = integrity === undefined ? {} : { integrity: { [NEWER]: integrity } };
  const version = integrity === undefined ? "2026.9.6" : NEWER;
  const target = (name: string) =>
    on === "host"
      ? new SshHost(name, { host: "203.0.113.7", hostKey: HOST_KEY, password: "p", push: true, ...named })
      : new DockerEngine(name);
  for (const each of [SshHost, DockerEngine])
    vi.spyOn(each.prototype, "findConflicts").mockImplementation((gateways) => Promise.resolve(gateways.map(() => [])));
  void pulumi.runtime
    .runInPulumiStack(() => {
      new GatewayPair("claw", { target: target("it"), version });
      return Promise.resolve({});
    })
    .catch(note);
  await vi.waitUntil(() => refusals.length, { timeout: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 200)); // what else it would register
}

it.each([
  ["claw-rescue-slot", "host", "claw-rescue"],
  ["claw-rescue-secrets", "host", "claw-rescue"],
  ["claw-rescue-secrets", "engine", "claw-rescue"],
  ["claw-rescue-check", "engine", "claw-rescue"],
  ["claw-rescue-container", "engine", "claw-rescue"],
] as const)("%s on its %s", { timeout: 30_000 }, async (liar, on, who) => {
  await run(liar, on);
  expect(refusals.map(({ message }) => message).join("\n")).toContain(`${who}: its machine gave an unexpected answer`);
  expect(registered.length).toBeGreaterThan(0);
  expect(registered.filter((each) => each.includes("canary-of-a-lie"))).toEqual([]);
});

it(
  "a registry of once, where the stack has locked another package than `integrity` names by now",
  { timeout: 30_000 },
  async () => {
    await run("nobody", "host", `sha512-${"A".repeat(86)}==`);
    expect(refusals.map(({ message }) => message).join("\n")).toMatch(
      /it\.integrity\["2026\.9\.120"\]: is not the hash of the package that this stack has locked, sha512-[^]*-> lock it again/,
    );
    expect(registered.filter((each) => each.includes("-deployment"))).toEqual([]);
  },
);
