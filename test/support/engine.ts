/** Stacks on the real Pulumi engine, with everything of their own: PULUMI_HOME, backend, passphrase, config file. */
import { spawn, type ChildProcess } from "node:child_process";
import { buildSync } from "esbuild";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { cacheDirectory } from "../../model/cache";
import { pulumiEnvironment } from "../../toolchain/environment";
import { PROJECT } from "../../toolchain/project";
import { finished, ok, type Outcome } from "./hosts";
import { keyService, SECRETS_PROVIDER } from "./keyService";
import { seedNode } from "./seed";
import { placeEmptyStack, setConfig } from "./stackFiles";

/**
 * Set for rows that are about hosts and engines, and not about the deployer's Node.js: programs run on a newer one with a
 * compile cache, as JavaScript, without what Pulumi's SDK loads to serialize functions. That is half the work. Everywhere
 * else they run as users' do.
 */
export const QUICK = "CLAW_TEST_QUICK";
const isQuick = (): boolean => Boolean(process.env[QUICK]);

/** In front of a program: nothing is loaded that compiles or maps TypeScript, or that only serialized functions need. */
const PRELUDE = `
const Module = require("node:module");
const load = Module._load;
const noSpan = (name) =>
  Module.createRequire(process.argv[1])("@opentelemetry/api").trace.getTracer("none").startSpan(name);
const hooks = { isInitializedAsync: () => Promise.resolve() };
const unused = {
  "source-map-support/register": {},
  "./automation": {},
  "./v8Hooks": hooks,
  "../../runtime/closure/v8Hooks": hooks,
  "@npmcli/arborist": {},
  "normalize-package-data": {},
  "../../typescript-shim": {},
  "./tracing": { newSpan: noSpan },
};
Module._load = (name, ...rest) => unused[name] ?? load.call(Module, name, ...rest);
delete process.env.PULUMI_NODEJS_TYPESCRIPT;
`;

/** Has programs below a directory run on the gateways' Node.js, with what it has compiled before. */
function quickly(directory: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const prelude = join(directory, "prelude.cjs");
  writeFileSync(prelude, PRELUDE);
  const node = realpathSync(seedNode);
  const bin = join(directory, "bin");
  mkdirSync(bin);
  // The language host of 3.68 knows nothing of the option \`nodeargs\`.
  const script = `#!/bin/sh\ncase "$1" in */cmd/run*) exec "${node}" --require "${prelude}" "$@" ;; *) exec "${node}" "$@" ;; esac\n`;
  writeFileSync(join(bin, "node"), script, { mode: 0o755 });
  // Pulumi's own logs, a seventh of what a run takes; where it cannot write them, it goes on without.
  writeFileSync(join(env.PULUMI_HOME!, "logs"), "");
  return {
    ...env,
    PATH: [bin, dirname(node), env.PATH].join(delimiter),
    NODE_COMPILE_CACHE: join(cacheDirectory(process.env), "test-compiled"),
  };
}

export { PROJECT };

/** A value that no schema refuses in a preview, as OpenClaw puts the variable's there first: for a change that it refuses itself. */
export const REFUSED_LATER = "${HOME}";

interface State {
  readonly deployment: { readonly resources?: { readonly type: string; readonly urn: string }[] };
}

const copy = (from: string, to: string): void => cpSync(from, to, { recursive: true });

function placeQuickProgram(program: string, project: string): void {
  const settings = readFileSync(join(PROJECT, "Pulumi.yaml"), "utf8").replace("main: index.ts", "main: index.js");
  writeFileSync(join(project, "Pulumi.yaml"), settings);
  buildSync({
    entryPoints: [program],
    outfile: join(project, "index.js"),
    bundle: true,
    packages: "external",
    external: ["#stack-config"],
    platform: "node",
    tsconfigRaw: {},
  });
}

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
    if (isQuick()) placeQuickProgram(program, this.project);
    else {
      copy(join(PROJECT, "Pulumi.yaml"), join(this.project, "Pulumi.yaml"));
      place(program, join(this.project, "index.ts"));
    }
    for (const name of ["package.json", "dist", "host", "inspect", "locks", "schemas"])
      place(join(PROJECT, name), join(this.project, name));
    for (const name of ["tsconfig.json", "node_modules"]) symlinkSync(join(PROJECT, name), join(this.project, name));
  }

  /** A new, empty stack of a program; default: the root stack's. `ownLibrary`: with a copy that a test may change. */
  static async create(program = join(PROJECT, "index.ts"), name = "test", ownLibrary = false): Promise<TestStack> {
    const stack = new TestStack(program, name, ownLibrary);
    try {
      const env = await pulumiEnvironment({ isolatedIn: stack.directory });
      const secrets = isQuick() ? { provider: SECRETS_PROVIDER, env: await keyService() } : undefined;
      await placeEmptyStack(name, stack.directory, secrets);
      stack.env = secrets ? quickly(stack.directory, { ...env, ...secrets.env }) : env;
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

  config(path: string, value: string): void {
    this.configs({ [path]: value });
  }

  configs(settings: Readonly<Record<string, string>>): void {
    setConfig(this.configFile, "openclaw", settings);
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

  private get configFile(): string {
    return join(this.project, `Pulumi.${this.name}.yaml`);
  }

  configText(): string {
    return readFileSync(this.configFile, "utf8");
  }
}
