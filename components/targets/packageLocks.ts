/** The packages of each version of OpenClaw: decided once for a stack, and the same on all its hosts. */
import { existsSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { PackageLockRequest } from "../../model/requests";
import { fingerprint } from "../../model/cache";
import { packageLockId, openclawIn } from "../../model/packageLock";
import { stableValue } from "../outputs";
import { afterPreflight, currentProgram, refuse } from "../preflight";
import type { Problem } from "../rules/problems";
import { answerOf } from "./answers";
import { packageFile } from "./bootstrap";
import { deployerCommand } from "./deployerCommand";
import { defined } from "../../model/defined";

export interface DecidedPackageLock {
  /** A package-lock.json, packed. */
  readonly packages: pulumi.Output<string>;
  readonly id: pulumi.Output<string>;
}

/** What a host's arguments say about releases. */
export interface ReleaseSource {
  /** Name of the host, for messages. */
  readonly label: string;
  readonly integrity?: Readonly<Record<string, string>>;
  /** A registry that the deployer reaches as well. */
  readonly registry?: string;
}

/** The lock of a version that this library knows. To add one, see CONTRIBUTING.md. */
export function shippedPackageLock(version: string): string | undefined {
  const file = packageFile("locks", `openclaw-${version}.lock`);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

type Plugins = Readonly<Record<string, string>>;

/** Of a release: its version, and what tells its plugins from others. */
const nameOf = (version: string, plugins: Plugins): string =>
  [version, ...(Object.keys(plugins).length ? [fingerprint([JSON.stringify(plugins)])] : [])].join("-");

class PackageLocks {
  private readonly locks = new Map<string, DecidedPackageLock>();
  /** Versions that have a lock, whatever their plugins. */
  private readonly decided = new Set<string>();
  private readonly named = new Map<string, { readonly label: string; readonly hash: string }>();
  private readonly registries: string[] = [];

  /** What one host says applies to the whole stack: a version is the same on all its hosts. */
  add({ label, integrity = {}, registry }: ReleaseSource): void {
    if (registry !== undefined) this.registries.push(registry);
    for (const [version, hash] of Object.entries(integrity)) {
      const before = this.named.get(version)?.hash;
      const shipped = openclawIn(shippedPackageLock(version) ?? "")?.integrity;
      if (before === undefined) this.named.set(version, { label, hash });
      if (shipped === hash || before === hash) continue;
      if (shipped !== undefined) currentProgram().report([another(label, version, shipped)]);
      else if (before !== undefined || this.decided.has(version))
        currentProgram().report([contradiction(label, version)]);
    }
  }

  /** `plugins`: packages that are installed with it. */
  of(version: string, plugins: Plugins = {}): DecidedPackageLock {
    const name = nameOf(version, plugins);
    const lock = this.locks.get(name) ?? this.decide(version, plugins);
    this.locks.set(name, lock);
    this.decided.add(version);
    return lock;
  }

  /** It stays even if a newer library knows another one: upgrading the library alone restarts no gateway. */
  private decide(version: string, plugins: Plugins): DecidedPackageLock {
    const { dependsOn = [] } = afterPreflight(undefined);
    const isPlain = Object.keys(plugins).length === 0;
    const first = (isPlain ? shippedPackageLock(version) : undefined) ?? this.ask(version, plugins, { dependsOn });
    // Not really secret: this keeps a hundred lines of hashes out of `preview --diff`. The id is in each deployment.
    const kept = stableValue(`openclaw-${nameOf(version, plugins)}-lock`, pulumi.secret(first), { dependsOn });
    const packages = this.checked(version, pulumi.unsecret(kept));
    return { packages, id: packages.apply(packageLockId) };
  }

  private ask(version: string, plugins: Plugins, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const integrity = this.named.get(version)?.hash ?? openclawIn(shippedPackageLock(version) ?? "")?.integrity;
    const [registry] = this.registries;
    const packages = Object.entries(plugins);
    const request: PackageLockRequest = defined({
      version,
      plugins: packages.length ? plugins : undefined,
      integrity,
      registry,
    });
    const words = ["lock openclaw", version, ...packages.map(([name, exact]) => `${name}@${exact}`)].join(" ");
    const command = deployerCommand(
      `openclaw-${nameOf(version, plugins)}-packages`,
      { about: "hosts", words, request, isShown: true, quiet: true },
      // What it would answer today does not matter: the stack has already decided.
      { ...opts, ignoreChanges: ["create", "stdin"] },
    );
    return answerOf(command, "packages", `openclaw ${version}`);
  }

  /** A hash may be given after the stack has already decided. */
  private checked(version: string, packages: pulumi.Output<string>): pulumi.Output<string> {
    const named = this.named.get(version);
    if (!named) return packages;
    const { label, hash } = named;
    return packages.apply((text) => {
      const found = openclawIn(text)?.integrity;
      return Promise.resolve(
        found === undefined || found === hash
          ? text
          : refuse([lockedToAnother(label, version, found)], "found before any gateway was changed"),
      );
    });
  }
}

const pathOf = (label: string, version: string): string => `${label}.integrity["${version}"]`;

const another = (label: string, version: string, known: string): Problem => ({
  path: pathOf(label, version),
  reason: `is not the hash of the package that this library knows, ${known}`,
  advice: "remove this argument, and do not use a registry that has a different package",
});

export const lockedToAnother = (label: string, version: string, found: string): Problem => ({
  path: pathOf(label, version),
  reason: `is not the hash of the package that this stack has locked, ${found}`,
  advice: `lock it again: pulumi up --replace '**openclaw-${version}-*'`,
});

const contradiction = (label: string, version: string): Problem => ({
  path: pathOf(label, version),
  reason: "contradicts the rest of the program: a version of OpenClaw must be the same package on all hosts of a stack",
  advice: "set the same `integrity` on all hosts, and create the hosts before the first gateway",
});

/** One for each program, as Pulumi has one stack for it. */
const all = new WeakMap<object, PackageLocks>();

export function packageLocks(): PackageLocks {
  const program = currentProgram();
  let locks = all.get(program);
  if (!locks) all.set(program, (locks = new PackageLocks()));
  return locks;
}
