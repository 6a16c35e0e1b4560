/** A host whose program dies, or fails once, at any thing that it does to the machine. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import type { HostLayout } from "../../model/hostLayout";
import { packageLockId } from "../../model/packageLock";
import { ask, eventually, ok, TestHost, type GatewayUnderTest, type Outcome } from "../support/hosts";
import { packageLockOf } from "../support/packageLocks";
import { placeStandIn, sendStandIn } from "../standIn/release";

/** It is killed; a call fails once, as on a full disk or a broken one; the disk is full from then on. */
export type Mode = "kill" | "ENOSPC" | "EIO" | "full";

/** What the prelude reads: at the how manieth thing that a verb does, what happens. */
export interface Plan {
  readonly verb: string;
  readonly mode: Mode;
  readonly at: number;
}

const VERSION = "2026.9.100";
/** What runs in every other turn, where that is another version. */
const VERSIONS = [VERSION, "2026.9.102"];
const TOKEN = { OPENCLAW_GATEWAY_TOKEN: "canary-token" };
const LEVELS = ["stable", "beta"] as const;
/** Kept by the host program, whatever is in them. */
const MOST_JOBS = 6;
const OF_A_JOB = ["request.json", "progress.log", "result.json"];
const ID = "main";

function prelude(): string {
  const source = readFileSync(join(__dirname, "prelude.ts"), "utf8");
  return `(() => {${transformSync(source, { loader: "ts", format: "cjs", target: "node24" }).code}})();\n`;
}

export class CrashHost {
  readonly host = new TestHost();
  private readonly program = join(this.host.manage, "host.cjs");
  private readonly planFile = join(this.host.root, "crash", "plan.json");
  private readonly fullFile = join(this.host.root, "crash", "full");
  private readonly logFile = join(this.host.root, "crash", "log");

  constructor(readonly port: number) {
    writeFileSync(this.program, prelude() + readFileSync(this.program, "utf8"));
    // A part of the program runs as the account.
    mkdirSync(join(this.host.root, "crash"));
    chmodSync(join(this.host.root, "crash"), 0o777);
    const file = join(this.host.manage, "host.json");
    writeFileSync(file, JSON.stringify(this.layout));
  }

  /** Runs what holds a verb, in which a plan comes true. Returns what was hit, if anything was. */
  async crash(plan: Plan, act: () => Promise<Outcome>): Promise<{ outcome: Outcome; hit: string | undefined }> {
    writeFileSync(this.logFile, "");
    chmodSync(this.logFile, 0o666);
    writeFileSync(this.planFile, JSON.stringify(plan));
    const outcome = await act();
    for (const file of [this.planFile, this.fullFile]) rmSync(file, { force: true });
    return { outcome, hit: this.hit };
  }

  /** What has gone wrong, if anything has. */
  get hit(): string | undefined {
    return (existsSync(this.logFile) && readFileSync(this.logFile, "utf8").trim()) || undefined;
  }

  /** A gateway that is another one in every other turn. */
  describe(turn: number, args: object = {}): GatewayUnderTest {
    const config = { update: { channel: LEVELS[turn % 2] } };
    return this.host.describe({ basePort: this.port, version: VERSION, config, ...args });
  }

  install(version = VERSION): void {
    placeStandIn(this.host.root, ID, { version, bootMilliseconds: 1 });
  }

  send(version: string): void {
    sendStandIn(this.host.root, ID, version, "touch complete", packageLockOf(version));
  }

  claim({ claim }: GatewayUnderTest): Promise<Outcome> {
    return this.host.run("claim", [ID], claim);
  }

  stage({ claim }: GatewayUnderTest, env: Record<string, string> = {}): Promise<Outcome> {
    return this.host.run("stage-secrets", [ID, "claim-id"], { format: 1, env, files: TOKEN, claim });
  }

  stageLock({ claim }: GatewayUnderTest, version: string, packages = packageLockOf(version)): Promise<Outcome> {
    return this.host.run("stage-lock", [ID, "claim-id"], { format: 1, version, packages, claim });
  }

  apply({ spec }: GatewayUnderTest, nonce: string): Promise<Outcome> {
    return this.host.run("apply-locked", [ID, "claim-id", nonce, packageLockId(packageLockOf(spec.version))], spec);
  }

  remove({ claim }: GatewayUnderTest): Promise<Outcome> {
    return this.host.run("remove", [ID, claim.owner.gateway], claim);
  }

  setUp(): Promise<Outcome> {
    return this.host.run("setup", [], this.layout);
  }

  private get layout(): HostLayout {
    return { ...this.host.layout, push: true };
  }

  /** From nothing to healthy. */
  async deploy(gateway: GatewayUnderTest): Promise<string> {
    ok(await this.claim(gateway));
    this.install();
    ok(await this.stageLock(gateway, VERSION));
    const nonce = ok(await this.stage(gateway)).stdout.trim();
    ok(await this.apply(gateway, nonce));
    return nonce;
  }

  async answers(): Promise<boolean> {
    const body = await ask(this.port, "/startupz");
    return body?.ok === true && VERSIONS.includes(String(body.version));
  }

  async comesUp(): Promise<boolean> {
    const isUp = async (): Promise<boolean> => this.supervisors() === 1 && (await this.answers());
    return eventually("an answer", 20, isUp).catch(() => false);
  }

  /** What is wrong with `current`, whatever has happened. */
  torn(): string[] {
    const current = join(this.host.dir(ID), "current");
    if (!existsSync(current)) return ["current is missing"];
    return ["openclaw.json", "service.json", "spec.json"].flatMap((name) => {
      try {
        JSON.parse(readFileSync(join(current, name), "utf8"));
        return [];
      } catch (error) {
        return [`current is torn: ${(error as Error).message}`];
      }
    });
  }

  /** What is wrong with a gateway that was deployed. */
  async faults(turn: number): Promise<string[]> {
    const config = JSON.parse(readFileSync(join(this.host.dir(ID), "current", "openclaw.json"), "utf8")) as {
      update: { channel: string };
    };
    const supervisors = this.supervisors();
    return [
      ...((await this.answers()) ? [] : ["is not healthy"]),
      ...(config.update.channel === LEVELS[turn % 2] ? [] : ["has another configuration"]),
      ...(this.host.current(ID) === this.host.good(ID) ? [] : ["current is not good"]),
      ...(supervisors === 1 ? [] : [`has ${supervisors} supervisors`]),
    ];
  }

  private supervisors(): number {
    return readdirSync("/proc").filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return command.includes(this.program) && command.includes("supervise");
      } catch {
        return false;
      }
    }).length;
  }

  /** Everything below the root, without what chance decides: to be the same after whatever has happened. */
  shape(): string[] {
    return pathsIn(this.host.root).filter(
      (path) => !/^crash(\/|$)|\.sqlite-journal$|\/\.pulumi-openclaw\/replaced/.test(path),
    );
  }

  /** What is in a shape and was not before, and the other way round, and what lies with the jobs. */
  left(before: readonly string[]): string[] {
    const after = this.shape();
    const jobs = entries(join(this.host.dir(ID), "jobs"));
    return [
      ...without(after, before).map((path) => `is left over: ${path}`),
      ...without(before, after).map((path) => `is missing: ${path}`),
      ...jobs.flatMap((job) =>
        entries(join(this.host.dir(ID), "jobs", job))
          .filter((name) => !OF_A_JOB.includes(name))
          .map((name) => `is left over: jobs/…/${name}`),
      ),
      ...(jobs.length > MOST_JOBS ? [`has ${jobs.length} jobs`] : []),
    ];
  }

  dispose(): Promise<void> {
    return this.host.dispose();
  }
}

/** Elements of one list that are not in another, each as often as it is there once more. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return list.filter((each) => {
    const at = rest.indexOf(each);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** Installed once, or looked at on their own. */
const NOT_WALKED = /(^|\/)(nodes|npms|jobs|releases\/[^/]+)$/;

function pathsIn(root: string, directory = ""): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    const inside = entry.isDirectory() && !NOT_WALKED.test(path) ? pathsIn(root, path) : [];
    return [`${withoutChance(path)}${entry.isFile() ? contentOf(join(root, path)) : ""}`, ...inside];
  });
}

const withoutChance = (text: string): string =>
  text.replaceAll(/[0-9a-f]{16}(-[0-9a-f]{8})?/g, "<hash>").replaceAll(/\d{4}-2026\.9\.\d+/g, "<point>");

/** Of the files that are the same in every turn. */
const STAYS = /(^|\/)(owner\.json|host\.json|host|\.pulumi-openclaw\.json|memory\.md|openclaw-main)$/;
const contentOf = (path: string): string =>
  STAYS.test(path) ? `: ${withoutChance(readFileSync(path, "utf8")).replaceAll(/\s+/g, " ")}` : "";

const entries = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

/** A failure is told in words that say what to do; a stack is a fault of ours. */
export const isClear = ({ stderr }: Outcome): boolean => /\n {4}-> /.test(stderr) && !/\n\s+at |Error:/.test(stderr);
