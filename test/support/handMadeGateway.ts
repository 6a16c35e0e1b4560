/** A gateway as people make one without us: OpenClaw's own onboarding and `gateway run`, in a home of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ask, eventually, finished, ok, type Outcome } from "./hosts";
import { seedNode, seedRelease } from "./seed";

const ENTRY = join(seedRelease, "node_modules", "openclaw", "openclaw.mjs");

export class HandMadeGateway {
  private process: ChildProcess | undefined;

  constructor(
    readonly home: string,
    readonly port: number,
    private readonly env: Record<string, string> = {},
  ) {}

  readonly stateDir = join(this.home, ".openclaw");

  async onboard(): Promise<void> {
    const answers =
      "--mode local --flow quickstart --auth-choice skip --gateway-auth token --gateway-token-ref-env OPENCLAW_GATEWAY_TOKEN " +
      "--secret-input-mode ref --gateway-bind loopback --skip-channels --skip-skills --skip-search --skip-hooks --skip-ui " +
      "--skip-health --no-install-daemon --json";
    const flags = ["--non-interactive", "--accept-risk", "--gateway-port", String(this.port)];
    ok(await this.openclaw("onboard", ...flags, ...answers.split(" ")));
  }

  openclaw(...args: string[]): Promise<Outcome> {
    return finished(this.spawn(args, ["ignore", "pipe", "pipe"]));
  }

  async start(): Promise<void> {
    const log = openSync(join(this.home, "gateway.log"), "a");
    this.process = this.spawn(["gateway", "run"], ["ignore", log, log]);
    closeSync(log);
    await eventually("the gateway made by hand is ready", 120, async () => (await ask(this.port, "/readyz"))?.ready);
  }

  async stop(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-child.pid!, "SIGKILL");
    await ended;
  }

  /** It takes connections from here on, and answers none. */
  freeze(): void {
    process.kill(-this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(-this.pid, "SIGCONT");
  }

  get pid(): number {
    return this.process!.pid!;
  }

  /** Its command line, as one types it. Under vitest OpenClaw takes itself for its own tests. */
  get command(): string {
    const env = Object.entries(this.environment()).map(([name, value]) => `${name}=${value}`);
    return ["env", "-u", "VITEST", ...env, realpathSync(seedNode), ENTRY].join(" ");
  }

  /** Every file that OpenClaw does not itself write to while it runs, with content, mode, owner and time. */
  snapshot(): Record<string, string> {
    const files: Record<string, string> = {};
    const visit = (path: string): void => {
      const stats = lstatSync(path);
      const name = relative(this.home, path);
      if (name.endsWith(".tmp")) return; // it writes its files through such
      // It writes these itself, some of them minutes after its start.
      if (/^\.openclaw\/(state|tmp|logs|cache|agents|control-ui|media|credentials|plugin-skills)(\/|$)/.test(name))
        return;
      if (name === ".openclaw/openclaw.json.last-good") return;
      const hash = stats.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";
      const target = stats.isSymbolicLink() ? readlinkSync(path) : "";
      files[name] = [stats.mode, stats.uid, stats.gid, stats.isDirectory() ? "" : stats.mtimeMs, hash, target].join(
        " ",
      );
      if (stats.isDirectory()) for (const each of readdirSync(path)) visit(join(path, each));
    };
    visit(this.stateDir);
    return files;
  }

  private spawn(args: readonly string[], stdio: ("ignore" | "pipe" | number)[]): ChildProcess {
    return spawn(realpathSync(seedNode), [ENTRY, ...args], {
      cwd: this.home,
      env: this.environment(),
      stdio: stdio as never,
      detached: true,
    });
  }

  private environment(): Record<string, string> {
    return {
      HOME: this.home,
      PATH: `${dirname(realpathSync(seedNode))}:/usr/bin:/bin`,
      OPENCLAW_GATEWAY_TOKEN: "token-made-by-hand",
      OPENCLAW_DISABLE_BONJOUR: "1",
      ...this.env,
    };
  }
}
