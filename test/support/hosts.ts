/** Hosts for tests: a temporary root on this machine, with ports of its own, that leaves nothing behind. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { resolveGateway } from "../../components/rules/resolve";
import { specOf } from "../../components/targets/hostGateway";
import type { HostLayout } from "../../model/hostLayout";
import type { PackageLock } from "../../model/packageLock";
import type { Claim, Spec } from "../../model/spec";
import { valueAt } from "../../model/json";
import { BOT_TOKEN_VARIABLE, GATEWAY_PASSWORD_VARIABLE, GATEWAY_TOKEN_VARIABLE } from "../../model/secrets";
import { testProgram } from "./hostProgram";
import { finished, ok, type Outcome } from "./processes";
import { seedTools, VERSION } from "./seed";

export { childrenOf, eventually, finished, isRunning, ok, type Outcome } from "./processes";

const GIVEN: readonly string[] = [GATEWAY_TOKEN_VARIABLE, GATEWAY_PASSWORD_VARIABLE, BOT_TOKEN_VARIABLE];

/** The variable with its token. */
const tokenOf = ({ config }: Spec): string =>
  valueAt(config, "gateway.auth.password") === undefined ? GATEWAY_TOKEN_VARIABLE : GATEWAY_PASSWORD_VARIABLE;

/** Set once for each run of the tests, so that a run ends only what it started itself. */
export const RUN_VARIABLE = "PULUMI_OPENCLAW_TEST_RUN";
const runId = process.env[RUN_VARIABLE] ?? String(process.pid);
const rootPrefix = (): string => `/tmp/pulumi-openclaw-test-${runId}-`;
/** Of this run alone: another one removes its own at its end. */
export const TEST_ACCOUNT = `openclaw-test-${runId}`;
const NOBODY = 65534;
const MARK = "PULUMI_OPENCLAW_GATEWAY=";

/** A temporary directory that a gateway's account can reach. */
export function temporaryRoot(): string {
  const root = mkdtempSync(rootPrefix());
  chmodSync(root, 0o755);
  return root;
}

export interface GatewayUnderTest {
  readonly claim: Claim;
  readonly spec: Spec;
}

export class TestHost {
  readonly root = temporaryRoot();
  readonly layout: HostLayout;
  readonly manage = join(this.root, ".pulumi-openclaw");
  private readonly uid: number | undefined;

  /** `plainUser`: as a user without rights, where the tests run as root. `account`: one that no other host has. */
  constructor(options: { plainUser?: boolean; account?: string } = {}) {
    const isRoot = process.getuid!() === 0;
    this.uid = isRoot && options.plainUser ? NOBODY : undefined;
    const account = isRoot && !options.plainUser ? (options.account ?? TEST_ACCOUNT) : null;
    // Not systemd, where the developer's machine has it: tests leave nothing outside of their root.
    this.layout = { root: this.root, binDir: join(this.root, "bin"), account, supervisor: "process" };
    if (this.uid !== undefined) chownSync(this.root, this.uid, this.uid);
    this.setUp();
  }

  /** As the first `pulumi up` does, and one that finds that somebody has removed our directory. */
  setUp(): void {
    seedTools(this.root);
    if (this.uid !== undefined) execFileSync("chown", [`${this.uid}`, this.manage]);
    const { script } = renderBootstrap(this.layout);
    const result = spawnSync("sh", ["-s", "--", this.manage], { ...this.options(), input: script, encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.stderr);
    writeFileSync(join(this.manage, "host.cjs"), testProgram());
  }

  private options() {
    return {
      env: {
        ...(this.uid === undefined ? process.env : othersEnvironment(this.root)),
        PULUMI_CONFIG_PASSPHRASE: "canary-passphrase",
      },
      cwd: "/",
      ...(this.uid !== undefined && { uid: this.uid, gid: this.uid }),
    };
  }

  /** A gateway's claim and spec, from the same arguments that a component takes. */
  describe(
    args: Record<string, unknown>,
    options: { partner?: string; ownerId?: string; stack?: string } = {},
  ): GatewayUnderTest {
    const { gateway, problems } = resolveGateway("test", { version: VERSION, ...args }, this.layout);
    if (!gateway || problems.length) throw new Error(JSON.stringify(problems));
    const { basePort, stateDir, workspace, configPath, wrapper } = gateway;
    const owner = { stack: options.stack ?? "test/test/test", gateway: gateway.id, id: options.ownerId ?? "1" };
    return {
      claim: { format: 1, owner, basePort, stateDir, workspace, configPath, wrapper },
      spec: specOf(gateway, options.partner),
    };
  }

  /** Runs a verb of the host program to its end. */
  run(verb: string, args: readonly string[], input?: unknown): Promise<Outcome> {
    return finished(this.start(verb, args, input));
  }

  /** Starts a verb of the host program. */
  start(verb: string, args: readonly string[], input?: unknown): ChildProcess {
    const child = spawn(join(this.manage, "host"), [verb, ...args], {
      ...this.options(),
      stdio: "pipe",
      detached: true,
    });
    child.stdin.on("error", () => undefined); // it may end without reading
    child.stdin.end(input === undefined ? "" : JSON.stringify(input));
    return child;
  }

  /** Those that the configuration refers to are given as files, all others as variables. */
  async stageSecrets(id: string, claim: Claim, secrets: Record<string, string>): Promise<string> {
    const [env, files] = [false, true].map((isGiven) =>
      Object.fromEntries(Object.entries(secrets).filter(([name]) => GIVEN.includes(name) === isGiven)),
    );
    return ok(await this.run("stage-secrets", [id, "claim-id"], { format: 1, env, files, claim })).stdout.trim();
  }

  /** Returns its id. */
  async stageLock(id: string, claim: Claim, version: string, packages: string): Promise<string> {
    return ok(
      await this.run("stage-lock", [id, "claim-id"], { format: 1, version, packages, claim } satisfies PackageLock),
    ).stdout.trim();
  }

  /** Claims, stages secrets and applies: what one `pulumi up` does for a gateway. */
  async up(id: string, { claim, spec }: GatewayUnderTest, secrets?: Record<string, string>): Promise<Outcome> {
    ok(await this.run("claim", [id], claim));
    const nonce = await this.stageSecrets(id, claim, { [tokenOf(spec)]: `token-of-${id}`, ...secrets });
    return this.run("apply", [id, "claim-id", nonce], spec);
  }

  wrapper(id: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return finished(
      spawn(join(this.layout.binDir, `openclaw-${id}`), args, {
        ...this.options(),
        env: { PATH: process.env.PATH, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }

  dir(id: string): string {
    return join(this.manage, "gateways", id);
  }

  current(id: string): string | undefined {
    return link(join(this.dir(id), "current"));
  }

  good(id: string): string | undefined {
    return link(join(this.dir(id), "good"));
  }

  /** Process of the gateway; between two starts NaN, which nobody can send a signal to. */
  gatewayPid(id: string): number {
    return this.supervisorState(id).gateway?.pid ?? NaN;
  }

  supervisorPid(id: string): number {
    return this.supervisorState(id).supervisor.pid;
  }

  private supervisorState(id: string): { supervisor: { pid: number }; gateway?: { pid: number } } {
    return JSON.parse(readFileSync(join(this.dir(id), "supervisor.json"), "utf8")) as never;
  }

  log(id: string): string {
    return readFileSync(join(this.dir(id), "gateway.log"), "utf8");
  }

  /** Ends and removes everything, state included. */
  async dispose(): Promise<void> {
    const gateways = join(this.manage, "gateways");
    for (const id of existsSync(gateways) ? readdirSync(gateways) : []) await this.run("remove", [id]);
    endStrays(this.root);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The environment of another user: ours without what points into our home. */
const othersEnvironment = (home: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
  HOME: home,
});

export const link = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/** JSON that a gateway answers, or `undefined` where nothing listens. */
export async function ask(port: number, path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    return (await response.json()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Ends, by pid, gateways and supervisors of tests that are still there; returns what they were. */
export function endStrays(root = rootPrefix()): string[] {
  const strays = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && belongsTo(name, root));
  for (const pid of strays) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
  return strays;
}

function belongsTo(pid: string, root: string): boolean {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`, "utf8");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return environ.includes(`${MARK}${root}`) || command.some((part) => part.startsWith(root));
  } catch {
    return false;
  }
}
