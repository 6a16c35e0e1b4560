/** The package as npm packs it, and programs that have installed it, in a temporary directory. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { minVersion } from "semver";
import { runToEnd, type Finished } from "../../toolchain/processes";
import * as manifest from "../../package.json";
import { PROJECT } from "./engine";
import { ok } from "./hosts";

/** What a program may be given to work with: the SDK that this repository pins, and the oldest that is supported. */
export const SDK = manifest.devDependencies["@pulumi/pulumi"];
export const OLDEST_SDK = minVersion(manifest.peerDependencies["@pulumi/pulumi"])!.version;

const NOT_SOURCES = [".git", ".pulumi-local", "node_modules", "dist", "coverage"];
const MINUTES = 60;

/** Runs a program to its end, or to the end of its time. `npm_…` variables are about the npm that runs the tests. */
export async function tryIn(
  cwd: string,
  command: string,
  args: readonly string[],
  env = process.env,
): Promise<Finished> {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
  return runToEnd(command, args, { cwd, env: clean, timeoutSeconds: 5 * MINUTES });
}

export async function runIn(...call: Parameters<typeof tryIn>): Promise<Finished> {
  const finished = await tryIn(...call);
  ok({ ...finished, code: finished.code ?? null });
  return finished;
}

export class PackedPackage {
  readonly directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-package-"));
  /** A copy, as packing builds: other suites use this repository's dist at the same time. */
  readonly sources = join(this.directory, "sources");
  readonly tarball = join(this.directory, `${manifest.name}-${manifest.version}.tgz`);

  /** Builds and packs the sources as they are, uncommitted changes included. */
  async pack(): Promise<void> {
    cpSync(PROJECT, this.sources, {
      recursive: true,
      filter: (path) => !NOT_SOURCES.includes(relative(PROJECT, path)),
    });
    symlinkSync(join(PROJECT, "node_modules"), join(this.sources, "node_modules"));
    // What lies about in a directory that is worked in.
    for (const [directory, file] of [[".pulumi-local", "passphrase"] as const, ["dist", "toolchain.cjs"] as const]) {
      mkdirSync(join(this.sources, directory), { recursive: true });
      writeFileSync(join(this.sources, directory, file), "canary");
    }
    await runIn(this.sources, "npm", ["pack", "--pack-destination", this.directory]);
  }

  async files(): Promise<readonly string[]> {
    const { stdout } = await runIn(this.directory, "tar", ["tzf", this.tarball]);
    return stdout.split("\n").map((path) => path.replace(/^package\//, ""));
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface PackageManager {
  readonly name: "npm" | "pnpm" | "yarn";
  /** Exact version from the npm registry; none: the one of this machine. */
  readonly version?: string;
  readonly install: readonly string[];
  /** SDK that its consumer pins. */
  readonly sdk: string;
}

/** A directory whose package.json names the package, the SDK and TypeScript, and nothing else of ours. */
export class Consumer {
  readonly directory: string;

  constructor(
    private readonly packed: PackedPackage,
    private readonly manager: PackageManager,
  ) {
    this.directory = join(packed.directory, manager.name);
  }

  /** Why the package manager cannot be had here; `undefined`: it can. */
  async obtainManager(): Promise<string | undefined> {
    const { name, version } = this.manager;
    if (version === undefined) return undefined;
    const prefix = join(this.packed.directory, "tools");
    mkdirSync(prefix, { recursive: true });
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    const args = ["install", ...flags, "--prefix", prefix, `${name}@${version}`];
    const { code, stderr } = await tryIn(this.packed.directory, "npm", args);
    return code === 0
      ? undefined
      : `npm cannot install ${name} ${version}: ${stderr.split("\n").slice(0, 2).join(" ")}`;
  }

  async install(): Promise<void> {
    const { name, version, install, sdk } = this.manager;
    cpSync(join(PROJECT, "test", "package", "consumer"), this.directory, { recursive: true });
    this.write("package.json", {
      name: "consumer",
      private: true,
      dependencies: { [manifest.name]: `file:${this.packed.tarball}`, "@pulumi/pulumi": sdk },
      // Beside a pinned SDK, Yarn gives @pulumi/command the newest one.
      ...(name === "yarn" && { resolutions: { "@pulumi/pulumi": sdk } }),
      // TypeScript's newest is newer than what the SDK allows.
      devDependencies: {
        typescript: manifest.devDependencies.typescript,
        "@types/node": manifest.devDependencies["@types/node"],
      },
    });
    this.write("Pulumi.yaml", { name: "consumer", runtime: "nodejs" });
    // As `pulumi new typescript` writes it.
    this.write("tsconfig.json", {
      compilerOptions: { strict: true, target: "es2020", module: "commonjs", moduleResolution: "node" },
      files: ["index.ts"],
    });
    const command = version === undefined ? name : join(this.packed.directory, "tools", "node_modules", ".bin", name);
    // Caches of their own: nothing of them stays on this machine.
    const cache = join(this.packed.directory, "cache");
    const env = { ...process.env, XDG_CACHE_HOME: cache, XDG_DATA_HOME: cache, XDG_STATE_HOME: cache };
    await runIn(this.directory, command, install, name === "npm" ? process.env : env);
  }

  private write(file: string, content: unknown): void {
    writeFileSync(join(this.directory, file), JSON.stringify(content));
  }

  has(path: string): boolean {
    return existsSync(join(this.directory, path));
  }

  async node(...args: string[]): Promise<string> {
    return (await runIn(this.directory, process.execPath, args)).stdout;
  }

  async tsc(...args: string[]): Promise<void> {
    await this.node(
      join("node_modules", "typescript", "bin", "tsc"),
      "--strict",
      ...args,
      "index.ts",
      "automation.mts",
    );
  }
}
