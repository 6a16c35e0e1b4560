/** Another release on the same state: tried on a copy, with a way back to exactly what was there. */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeStandIn, type Behaviour } from "../standIn/release";
import { ok, TestHost, type Outcome } from "../support/hosts";
import { sqlite } from "../support/sqlite";

const PORT = 28700;
const [OLD, NEW, NEWER] = ["2026.9.100", "2026.9.101", "2026.9.102"] as const;

class Upgraded {
  readonly host = new TestHost();
  private readonly port: number;
  constructor(port: number) {
    this.port = port;
  }

  place(...releases: Behaviour[]): void {
    for (const release of releases) placeStandIn(this.host.root, "main", release);
  }
  up(version: string, args: object = {}): Promise<Outcome> {
    return this.host.up("main", this.host.describe({ basePort: this.port, version, ...args }));
  }
  get stateDir(): string {
    return join(this.host.root, ".openclaw");
  }
  get database(): string {
    return join(this.stateDir, "state/openclaw.sqlite");
  }
  async points(): Promise<Record<string, unknown>[]> {
    return JSON.parse(ok(await this.host.run("backups", ["main", "--json"])).stdout) as never;
  }
  /** Hashes of its files by their paths: of all that OpenClaw or the agent has written, but databases. */
  hashes(): Record<string, string> {
    return Object.fromEntries(
      readdirSync(this.stateDir, { recursive: true, encoding: "utf8" })
        .filter((path) => !/(^|\/)(\.pulumi-openclaw|node-compile|logs)|sqlite/.test(path))
        .filter((path) => statSync(join(this.stateDir, path)).isFile())
        .map((path) => [
          path,
          createHash("sha256")
            .update(readFileSync(join(this.stateDir, path)))
            .digest("hex"),
        ]),
    );
  }
  fill(): void {
    for (const [path, content] of Object.entries({
      "agents/main/sessions/one.jsonl": '{"n":1}\n'.repeat(1000),
      "delivery-queue/1.json": '{"pending":true}',
      "credentials/whatsapp/default/creds.json": '{"ratchet":1}',
      "workspace/MEMORY.md": "remember",
    })) {
      mkdirSync(join(this.stateDir, path, ".."), { recursive: true });
      writeFileSync(join(this.stateDir, path), content);
    }
    const owner = statSync(this.stateDir);
    execFileSync("chown", [
      "-R",
      `${owner.uid}:${owner.gid}`,
      ...["agents", "delivery-queue", "credentials", "workspace"].map((each) => join(this.stateDir, each)),
    ]);
    // As somebody leaves it who has worked there as root.
    mkdirSync(join(this.stateDir, "notes/of-root"), { recursive: true });
    writeFileSync(join(this.stateDir, "notes/of-root/note.txt"), "kept");
    sqlite(this.database, "INSERT INTO jobs (name) VALUES ('one'), ('two')");
  }
}

describe("a gateway that gets another release", () => {
  const gateway = new Upgraded(PORT);
  const { host } = gateway;
  beforeAll(async () => {
    gateway.place({ version: OLD, schema: 1 });
    ok(await gateway.up(OLD));
    gateway.fill();
  });
  afterAll(() => host.dispose());

  it("is tried on a copy, and nothing is touched where that fails", async () => {
    gateway.place({ version: NEW, schema: 2, endsWith: 78 });
    const [pid, before] = [host.gatewayPid("main"), gateway.hashes()];
    const outcome = await gateway.up(NEW);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(
      `OpenClaw ${NEW} does not start on a copy of this gateway's state: it ended with exit code 78; nothing was changed`,
    );
    expect(outcome.stderr).toContain("[gateway] loading configuration…");
    expect(host.gatewayPid("main")).toBe(pid);
    expect(gateway.hashes()).toEqual(before);
    expect(await gateway.points()).toEqual([]);
    expect(readdirSync(join(gateway.stateDir, ".pulumi-openclaw"))).toEqual([]);
  });

  it("goes back to the old release and to exactly its state where the new one dies after it has migrated", async () => {
    gateway.place({ version: NEW, schema: 2, diesMigrated: true });
    const before = gateway.hashes();
    const outcome = await gateway.up(NEW);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("The previous generation is running again and is healthy.");
    expect(gateway.hashes()).toEqual(before);
    expect(sqlite(gateway.database, "SELECT * FROM jobs")).toEqual([{ name: "one" }, { name: "two" }]);
    expect(sqlite(gateway.database, "PRAGMA user_version")).toEqual([{ user_version: 1 }]);
    expect(ok(await gateway.up(OLD)).stdout).toContain("already healthy");
    // What the failed release has made of it is kept, to look at.
    const replaced = join(gateway.stateDir, ".pulumi-openclaw/replaced/state/openclaw.sqlite");
    expect(sqlite(replaced, "PRAGMA user_version")).toEqual([{ user_version: 2 }]);
  });

  it("has its state migrated, and keeps the one before", async () => {
    gateway.place({ version: NEWER, schema: 3 });
    const outcome = ok(await gateway.up(NEWER));
    expect(outcome.stdout).toContain(`now healthy: OpenClaw ${NEWER}`);
    expect(sqlite(gateway.database, "SELECT name FROM jobs")).toEqual([{ name: "one" }, { name: "two" }]);
    const [point] = await gateway.points();
    expect(point).toMatchObject({ version: OLD, reason: "upgrade", databases: { "state/openclaw.sqlite": 1 } });
    expect(ok(await gateway.up(NEWER)).stdout).toContain("already healthy");
    expect(existsSync(join(gateway.stateDir, ".pulumi-openclaw/rehearsal"))).toBe(false);
  });
});
