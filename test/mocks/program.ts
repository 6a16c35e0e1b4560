/** A program under mocks, on hosts that nobody looks at: what it registers, and a cache of its own for the deployer's program. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import type * as components from "../../components";

type Inputs = Record<string, unknown>;

/** What every command prints where a test says nothing else. */
export const CLAIM_ID = "0123456789abcdef";

export class MockedProgram {
  private readonly registered: { readonly name: string; readonly inputs: Inputs }[] = [];
  readonly cache = mkdtempSync(join(tmpdir(), "mocked-program-"));

  names = (): string[] => this.registered.map(({ name }) => name);
  indexOf = (name: string): number => this.names().indexOf(name);
  inputsOf = (name: string): Inputs => this.registered[this.indexOf(name)]!.inputs;

  /** Runs it until resources of these names are registered. `stateOf`: what is known of one besides its inputs. */
  async run(
    program: (library: typeof components) => void,
    last: readonly string[],
    stateOf: (name: string, inputs: Inputs) => Inputs = () => ({}),
  ): Promise<void> {
    vi.stubEnv("XDG_CACHE_HOME", this.cache);
    await pulumi.runtime.setMocks(
      {
        newResource: ({ name, inputs }) => {
          this.registered.push({ name, inputs: inputs as Inputs });
          const state = { stdout: CLAIM_ID, output: "kept", ...stateOf(name, inputs as Inputs) };
          return { id: name, state: { ...(inputs as Inputs), ...state } };
        },
        call: () => ({}),
      },
      "project",
      "stack",
      false,
    );
    const library = await import("../../components");
    vi.spyOn(library.SshHost.prototype, "findConflicts").mockImplementation((gateways) =>
      Promise.resolve(gateways.map(() => [])),
    );
    await pulumi.runtime.runInPulumiStack(() => {
      program(library);
      return Promise.resolve({});
    });
    for (const name of last) await vi.waitUntil(() => this.names().includes(name), { timeout: 5_000 });
  }

  end(): void {
    vi.unstubAllEnvs();
    rmSync(this.cache, { recursive: true });
  }
}
