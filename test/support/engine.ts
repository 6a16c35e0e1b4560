/** Stacks on the real Pulumi engine, with everything of their own: PULUMI_HOME, backend, passphrase, config file. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { cacheDirectory } from "../../toolchain/cache";
import { pulumiEnvironment } from "../../toolchain/environment";
import { finished, ok, type Outcome } from "./hosts";
import { seedNode } from "./seed";

/**
 * Set for rows that are about hosts and engines, and not about the deployer's Node.js: programs run on a newer one
 * with a compile cache, which is a quarter less work. Everywhere else they run on the deployer's own.
 */
export const QUICK = "CLAW_TEST_QUICK";

/** Node.js of the gateways, and what it has compiled before. */
const quickly = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  PATH: [dirname(realpathSync(seedNode)), env.PATH].join(delimiter),
  NODE_COMPILE_CACHE: join(cacheDirectory(process.env), "test-compiled"),
});

export const PROJECT = join(__dirname, "..", "..");

interface State {
  readonly deployment: { readonly resources?: { readonly type: string; readonly urn: string }[] };
}

const copy = (from: string, to: string): void => cpSync(from, to, { recursive: true });

export class TestStack {
  readonly directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-engine-"));
  /** A project directory of its own, in which pulumi writes the stack's config file. */
  readonly project = join(this.directory, "project");
  env: NodeJS.ProcessEnv = {};
  /** Everything that pulumi printed. */
  transcript = "";

  private constructor(
    program: string,
    private readonly name: string,
    ownLibrary: boolean,
  ) {
    mkdirSync(this.project);
    const place = ownLibrary ? copy : symlinkSync;
    copyFileSync(join(PROJECT, "Pulumi.yaml"), join(this.project, "Pulumi.yaml"));
    place(program, join(this.project, "index.ts"));
    place(join(PROJECT, "package.json"), join(this.project, "package.json"));
    if (ownLibrary) for (const name of ["dist", "host", "locks"]) copy(join(PROJECT, name), join(this.project, name));
    for (const name of ["tsconfig.json", "node_modules"]) symlinkSync(join(PROJECT, name), join(this.project, name));
  }

  /** A new, empty stack of a program; default: the root stack's. `ownLibrary`: with a copy that a test may change. */
  static async create(program = join(PROJECT, "index.ts"), name = "test", ownLibrary = false): Promise<TestStack> {
    const stack = new TestStack(program, name, ownLibrary);
    try {
      const env = await pulumiEnvironment({ isolatedIn: stack.directory });
      stack.env = process.env[QUICK] ? quickly(env) : env;
      ok(await stack.run(["stack", "init"]));
      return stack;
    } catch (error) {
      rmSync(stack.directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts pulumi on this stack. */
  start(args: readonly string[], options: { input?: string } = {}): ChildProcess {
    const child = spawn("pulumi", [...args, "--stack", this.name, "--non-interactive", "--color", "never"], {
      cwd: this.project,
      env: this.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(options.input ?? "");
    return child;
  }

  /** Runs pulumi on this stack to its end. */
  async run(args: readonly string[], options: { input?: string } = {}): Promise<Outcome> {
    const child = this.start(args, options);
    const outcome = await finished(child);
    this.transcript += `$ pulumi ${args.join(" ")}\n${outcome.stdout}${outcome.stderr}`;
    return outcome;
  }

  preview = (...args: string[]): Promise<Outcome> => this.run(["preview", ...args]);
  up = (...args: string[]): Promise<Outcome> => this.run(["up", "--yes", "--skip-preview", ...args]);
  destroy = (): Promise<Outcome> => this.run(["destroy", "--yes", "--skip-preview"]);

  async config(path: string, value: string): Promise<void> {
    ok(await this.run(["config", "set", "--path", path, value]));
  }

  async configs(settings: Readonly<Record<string, string>>): Promise<void> {
    const flags = Object.entries(settings).flatMap(([path, value]) => ["--plaintext", `${path}=${value}`]);
    ok(await this.run(["config", "set-all", "--path", ...flags]));
  }

  /** Through stdin: an argument can be seen by everybody on the machine. */
  async secretConfig(path: string, value: string): Promise<void> {
    ok(await this.run(["config", "set", "--secret", "--path", path], { input: value }));
  }

  async outputs(): Promise<Record<string, unknown>> {
    const { stdout } = ok(await this.runQuietly(["stack", "output", "--json", "--show-secrets"]));
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async resources(): Promise<string[]> {
    const { stdout } = ok(await this.runQuietly(["stack", "export"]));
    return ((JSON.parse(stdout) as State).deployment.resources ?? []).map(({ urn }) => urn);
  }

  /** Pulumi replaces its state as a whole, but writes attributes beside it in place: without those that a kill has torn it reads it. */
  mendState(): void {
    const directory = join(this.directory, "state/.pulumi/stacks/openclaw");
    for (const name of readdirSync(directory).filter((each) => each.endsWith(".attrs")))
      if (statSync(join(directory, name)).size === 0) rmSync(join(directory, name));
  }

  private runQuietly(args: readonly string[]): Promise<Outcome> {
    return finished(this.start(args));
  }

  /** Destroys what is left and forgets the stack. */
  async dispose(): Promise<void> {
    await this.destroy();
    this.forget();
  }

  /** Without a destroy, which has rows of its own: for a stack whose hosts go with all that is on them. */
  forget(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  configText(): string {
    return readFileSync(join(this.project, `Pulumi.${this.name}.yaml`), "utf8");
  }
}
