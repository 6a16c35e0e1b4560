/** A program under mocks, on machines that nobody looks at: what it registers, and a cache of its own for the deployer's program. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import type * as components from "../../components";
import type { Problem } from "../../components/rules/problems";
import type * as stackConfig from "../../components/stackConfig";
import { SECRET } from "./values";

type Inputs = Record<string, unknown>;

export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly provider: string | undefined;
}

/** What every command prints where a test says nothing else. */
export const CLAIM_ID = "0123456789abcdef";

export class MockedProgram {
  readonly registered: Registered[] = [];
  readonly cache = mkdtempSync(join(tmpdir(), "mocked-program-"));

  names = (): string[] => this.registered.map(({ name }) => name);
  indexOf = (name: string): number => this.names().indexOf(name);
  inputsOf = (name: string): Inputs => this.find(name).inputs;

  find(name: string): Registered {
    const found = this.registered.find((each) => each.name === name);
    if (!found) throw new Error(`no ${name} in ${this.names().join(", ")}`);
    return found;
  }

  /** `type name` of each, but of what belongs to Pulumi itself. */
  tree = (): string[] =>
    this.registered.filter(({ type }) => !type.startsWith("pulumi:pulumi")).map(({ type, name }) => `${type} ${name}`);

  /** Every input that is not marked as a secret. */
  plainInputs = (): string =>
    this.registered
      .flatMap(({ inputs }) => Object.values(inputs))
      .filter((value) => !isSecret(value))
      .map((value) => JSON.stringify(value))
      .join();

  /**
   * Runs it until resources of these names are registered. `stateOf`: what is known of one besides its inputs, its id
   * included; a stash keeps its input, and a command prints `CLAIM_ID`.
   */
  async run(
    program: (library: typeof components) => unknown,
    last: readonly string[],
    stateOf: (resource: Registered) => Inputs = () => ({}),
  ): Promise<void> {
    vi.stubEnv("XDG_CACHE_HOME", this.cache);
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs, provider }) => {
          const resource: Registered = { type, name, inputs: inputs as Inputs, provider };
          this.registered.push(resource);
          const { id = name, ...state } = { output: resource.inputs.input, stdout: CLAIM_ID, ...stateOf(resource) };
          return { id: id, state: { ...resource.inputs, ...state } };
        },
        call: () => ({}),
      },
      "project",
      "stack",
      false,
    );
    const library = await import("../../components");
    for (const { prototype } of [library.SshHost, library.DockerEngine])
      vi.spyOn(prototype, "findConflicts").mockImplementation((gateways) => Promise.resolve(gateways.map(() => [])));
    await pulumi.runtime.runInPulumiStack(async () => {
      await program(library);
      return {};
    });
    for (const name of last) await vi.waitUntil(() => this.names().includes(name), { timeout: 5_000 });
  }

  end(): void {
    vi.unstubAllEnvs();
    rmSync(this.cache, { recursive: true });
  }
}

type Library = typeof components & typeof stackConfig;

/** Once for a file: a former program's stack may still be finishing. */
let mocked: Promise<void> | undefined;

/** What is wrong with a program, which then waits for ever. `config`: of a project `openclaw`. */
export async function problemsIn(
  program: (library: Library) => unknown,
  config: Readonly<Record<string, string>> = {},
): Promise<readonly Problem[]> {
  await (mocked ??= pulumi.runtime.setMocks(
    { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
    "openclaw",
    "dev",
  ));
  const library = { ...(await import("../../components")), ...(await import("../../components/stackConfig")) };
  const { currentProgram } = await import("../../components/preflight");
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`openclaw:${key}`, value])),
  );
  let found: readonly Problem[] = [];
  await pulumi.runtime.runInPulumiStack(async () => {
    const current = currentProgram();
    vi.spyOn(current, "passed").mockReturnValue(new Promise(() => undefined));
    program(library);
    found = await current["allProblems"]();
    return {};
  });
  return found;
}

export const isSecret = (value: unknown): boolean => typeof value === "object" && value !== null && SECRET in value;

export const valueOf = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((resolve) => void output.apply(resolve));

/** Its place in the tree, as in its URN. */
export const placeInTree = (urn: string): string =>
  urn.split("::").slice(2).join(" ").replace("pulumi:pulumi:Stack$", "");
