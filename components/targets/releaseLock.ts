/** The packages of each version of OpenClaw: decided once for a stack, and the same on all its hosts. */
import * as pulumi from "@pulumi/pulumi";
import type { LockRequest } from "../../deployer/request";
import { lockId } from "../../host/packageLock";
import { behindGate, currentProgram } from "../program";
import type { Problem } from "../rules/problems";
import { answerOf } from "./answers";
import { deployerCommand } from "./deployer";
import { OPENCLAW_INTEGRITY } from "./pins";

export interface ReleaseLock {
  /** A package-lock.json, packed. */
  readonly packages: pulumi.Output<string>;
  readonly id: pulumi.Output<string>;
}

/** What a host's arguments say of releases. */
export interface ReleaseSource {
  /** Name of the host, for messages. */
  readonly label: string;
  readonly integrity?: Readonly<Record<string, string>>;
  /** A registry that the deployer reaches as well. */
  readonly registry?: string;
}

class ReleaseLocks {
  private readonly locks = new Map<string, ReleaseLock>();
  private readonly said = new Map<string, { readonly integrity: string; readonly label: string }>();
  private readonly registries: string[] = [];

  /** What a host says counts for the stack: its releases are the same everywhere. */
  add({ label, integrity = {}, registry }: ReleaseSource): void {
    if (registry !== undefined) this.registries.push(registry);
    for (const [version, text] of Object.entries(integrity)) {
      const before = this.said.get(version);
      if (!before) this.said.set(version, { integrity: text, label });
      else if (before.integrity !== text) currentProgram().report([contradiction(label, version, before.label)]);
    }
  }

  of(version: string): ReleaseLock {
    const known = this.locks.get(version);
    if (known) return known;
    const { dependsOn = [] } = behindGate(undefined);
    // Once all hosts of the program have said what they know.
    const request = currentProgram()
      .gate()
      .then((): LockRequest => {
        const integrity = this.said.get(version)?.integrity ?? OPENCLAW_INTEGRITY[version];
        const [registry] = this.registries;
        return {
          version,
          ...(integrity !== undefined && { integrity }),
          ...(registry !== undefined && { registry }),
        };
      });
    const command = deployerCommand(
      `openclaw-${version}-lock`,
      { about: "hosts", words: `lock openclaw ${version}`, request, isShown: true, quiet: true },
      { dependsOn },
    );
    const packages = answerOf(command, "packages", `openclaw ${version}`);
    // Nothing at all is what the mocks of a program's own tests say.
    const id = packages.apply((text: string | undefined) => (text === undefined ? "" : lockId(text)));
    const lock = { packages, id };
    this.locks.set(version, lock);
    return lock;
  }
}

const contradiction = (label: string, version: string, other: string): Problem => ({
  path: `${label}.integrity["${version}"]`,
  reason: `is another than ${other}'s: a version of OpenClaw is the same package on all hosts of a stack`,
  advice: `compare: npm view openclaw@${version} dist.integrity`,
});

/** One for each program, as Pulumi has one stack for it. */
const all = new WeakMap<object, ReleaseLocks>();

export function releaseLocks(): ReleaseLocks {
  const program = currentProgram();
  let locks = all.get(program);
  if (!locks) all.set(program, (locks = new ReleaseLocks()));
  return locks;
}
