/** Machines that answer with something else than what was asked for: it goes nowhere. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { packageLockOf } from "../support/packageLocks";
import { MockedProgram } from "./program";
import { HOST_KEY } from "./values";

const LIE = "cafe; (id >/tmp/canary-of-a-lie) #";
const CONTAINER_ID = "c0".repeat(32);

let program: MockedProgram;
let refusals: Error[] = [];
const note = (error: Error): void => void refusals.push(error);
beforeEach(() => {
  refusals = [];
  program = new MockedProgram();
  // Vitest ends a run at an error that nobody catches, which is how a program ends.
  for (const name of ["uncaughtException", "unhandledRejection"] as const) {
    listeners.set(name, process.listeners(name as never) as never);
    process.removeAllListeners(name).on(name, note);
  }
});
afterEach(() => {
  program.end();
  for (const [name, former] of listeners) {
    process.removeAllListeners(name);
    for (const each of former) process.on(name, each as never);
  }
});
const listeners = new Map<string, (() => void)[]>();

const NEWER = "2026.9.120";

/** Runs a pair of which one command, or the engine, answers with a lie. `integrity`: of a version that the stack has locked. */
async function run(liar: string, on: "host" | "engine", integrity?: string): Promise<void> {
  const named = integrity === undefined ? {} : { integrity: { [NEWER]: integrity } };
  const version = integrity === undefined ? "2026.9.6" : NEWER;
  const running = program.run(
    ({ GatewayPair, SshHost, DockerEngine }) => {
      const target =
        on === "host"
          ? new SshHost("it", { host: "203.0.113.7", hostKey: HOST_KEY, password: "p", push: true, ...named })
          : new DockerEngine("it");
      new GatewayPair("claw", { target, version });
    },
    [],
    ({ type, name }) => {
      const isLiar = name.startsWith(liar);
      return {
        imageId: "image",
        ...(isLiar && { stdout: LIE }),
        ...(type.endsWith(":Container") && { id: isLiar ? LIE : CONTAINER_ID }),
        ...(name === `openclaw-${NEWER}-lock` && { output: packageLockOf(NEWER) }),
      };
    },
  );
  void running.catch(note);
  await vi.waitUntil(() => refusals.length, { timeout: 20_000 });
  // What else it would register, or be refused for.
  for (let seen = -1; seen !== refusals.length; await new Promise((resolve) => setTimeout(resolve, 300)))
    seen = refusals.length;
}

it.each([
  ["claw-rescue-slot", "host", "claw-rescue"],
  ["claw-rescue-secrets", "host", "claw-rescue"],
  ["claw-rescue-secrets", "engine", "claw-rescue"],
  ["claw-rescue-check", "engine", "claw-rescue"],
  ["claw-rescue-container", "engine", "claw-rescue"],
] as const)(
  "an unexpected answer of %s, on its %s, is refused and not repeated",
  { timeout: 30_000 },
  async (liar, on, who) => {
    await run(liar, on);
    expect(refusals.map(({ message }) => message).join("\n")).toContain(
      `${who}: its machine gave an unexpected answer`,
    );
    expect(program.registered.length).toBeGreaterThan(0);
    expect(JSON.stringify(program.registered)).not.toContain("canary-of-a-lie");
  },
);

it(
  "an `integrity` other than that of the package that the stack has locked is refused",
  { timeout: 30_000 },
  async () => {
    await run("nobody", "host", `sha512-${"A".repeat(86)}==`);
    expect(refusals.map(({ message }) => message).join("\n")).toMatch(
      /it\.integrity\["2026\.9\.120"\]: is not the hash of the package that this stack has locked, sha512-[^]*-> lock it again/,
    );
    expect(program.names().filter((name) => name.includes("-deployment"))).toEqual([]);
  },
);
