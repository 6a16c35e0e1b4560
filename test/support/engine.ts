/** Stacks on the real Pulumi engine, with everything of their own: PULUMI_HOME, backend, passphrase, config file. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulumiEnvironment } from "../../toolchain/environment";
import { finished, ok, type Outcome } from "./hosts";

export const PROJECT = join(__dirname, "..", "..");

interface State {
  readonly deployment: { readonly resources?: { readonly type: string; readonly urn: string }[] };
}

export class TestStack {
  readonly directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-engine-"));
  readonly configFile = join(this.directory, "Pulumi.test.yaml");
  env: NodeJS.ProcessEnv = {};
  /** Everything that pulumi printed. */
  transcript = "";

  private constructor(
    private readonly program: string,
    readonly name: string,
  ) {}

  /** A new, empty stack of the project in a directory; default: the root stack. */
  static async create(options: { program?: string; name?: string } = {}): Promise<TestStack> {
    const stack = new TestStack(options.program ?? PROJECT, options.name ?? "test");
    stack.env = await pulumiEnvironment({ isolatedIn: stack.directory });
    ok(await stack.run(["stack", "init", stack.name], { bare: true }));
    return stack;
  }

  /** Runs pulumi on this stack. */
  async run(args: readonly string[], options: { bare?: boolean; input?: string } = {}): Promise<Outcome> {
    const own = options.bare ? [] : ["--stack", this.name, "--config-file", this.configFile];
    const child = spawn("pulumi", [...args, ...own, "--non-interactive", "--color", "never"], {
      cwd: this.program,
      env: this.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(options.input ?? "");
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

  /** Through stdin: an argument can be seen by everybody on the machine. */
  async secretConfig(path: string, value: string): Promise<void> {
    ok(await this.run(["config", "set", "--secret", "--path", path], { input: value }));
  }

  async outputs(): Promise<Record<string, unknown>> {
    const { stdout } = ok(await this.runQuietly(["stack", "output", "--json", "--show-secrets", "--stack", this.name]));
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async resources(): Promise<string[]> {
    const { stdout } = ok(await this.runQuietly(["stack", "export", "--stack", this.name]));
    return ((JSON.parse(stdout) as State).deployment.resources ?? []).map(({ urn }) => urn);
  }

  private runQuietly(args: readonly string[]): Promise<Outcome> {
    return finished(spawn("pulumi", args, { cwd: this.program, env: this.env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Destroys what is left and forgets the stack. */
  async dispose(): Promise<void> {
    await this.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }

  configText(): string {
    return readFileSync(this.configFile, "utf8");
  }
}
