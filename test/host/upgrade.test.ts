/** Another release on the same state: tried on a copy, with a way back to exactly what was there. */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeStandIn, type Behaviour } from "../standIn/release";
import { expectedChange } from "../../inspect/change";
import { OLDEST_VERSION } from "../../model/versions";
import { seedGateway, VERSION } from "../support/seed";
import { ask, ok, TestHost, type GatewayUnderTest, type Outcome } from "../support/hosts";
import { withRealGateways } from "../support/oneAtATime";
import { sqlite } from "../support/sqlite";

const PORT = 30700;
/** Between the oldest and the newest one that are real. */
const BETWEEN = "2026.8.3";
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
  describe(version: string, args: object = {}): GatewayUnderTest {
    return this.host.describe({ basePort: this.port, version, ...args });
  }
  up(version: string, args: object = {}): Promise<Outcome> {
    return this.host.up("main", this.describe(version, args));
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
        .filter((path) => !/^(\.pulumi-openclaw|cache|logs|tmp)|sqlite/.test(path))
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
    this.fillFiles();
    sqlite(this.database, "INSERT INTO jobs (name) VALUES ('one'), ('two')");
  }
  fillFiles(): void {
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

describe("a gateway that goes back", () => {
  const gateway = new Upgraded(PORT + 100);
  const { host, database } = gateway;
  const names = (): unknown[] => sqlite(database, "SELECT name FROM jobs ORDER BY name").map(({ name }) => name);
  beforeAll(async () => {
    gateway.place({ version: OLD, schema: 1 });
    ok(await gateway.up(OLD));
    gateway.fill();
    gateway.place({ version: NEW, schema: 2 });
    ok(await gateway.up(NEW));
    sqlite(database, "INSERT INTO jobs (name) VALUES ('three')");
  });
  afterAll(() => host.dispose());

  it("is not touched where the older release does not read its state, and the way back is named", async () => {
    const pid = host.gatewayPid("main");
    const outcome = await gateway.up(OLD);
    expect(outcome.stderr).toContain(`OpenClaw ${OLD} does not start on a copy of this gateway's state`);
    expect(outcome.stderr).toContain("database schema preflight rejected newer schema 2");
    expect(outcome.stderr).toContain(`\`restoreFrom: "0001-${OLD}"\``);
    expect(host.gatewayPid("main")).toBe(pid);
    expect(expectedChange(host.layout, "main", gateway.describe(OLD).spec)?.refusal).toMatchObject({
      property: "version",
      advice: expect.stringContaining(`0001-${OLD}`) as string,
    });
  });

  it("refuses a recovery point that it does not have, or with another version", async () => {
    const unknown = await gateway.up(OLD, { restoreFrom: "0009-2026.9.100" });
    expect(unknown.stderr).toContain("restoreFrom: there is no recovery point 0009-2026.9.100 of this gateway");
    const mixed = await gateway.up(NEW, { restoreFrom: `0001-${OLD}` });
    expect(mixed.stderr).toContain(`restoreFrom: is the state of OpenClaw ${OLD}, and ${NEW} would migrate it again`);
    expect(await gateway.points()).toHaveLength(1);
  });

  it("gets the state of a recovery point with its release, once, and keeps the present one", async () => {
    const wanted = { restoreFrom: `0001-${OLD}` };
    const outcome = ok(await gateway.up(OLD, wanted));
    expect(outcome.stdout).toContain(`now healthy: OpenClaw ${OLD}`);
    expect(names()).toEqual(["one", "two"]);
    expect(ok(await gateway.up(OLD, wanted)).stdout).toContain("already healthy");
    expect(await gateway.points()).toMatchObject([
      { id: `0002-${NEW}`, reason: "restore" },
      { id: `0001-${OLD}`, reason: "upgrade" },
    ]);
  });

  it("is put back by hand, with what ran on the recovery point", async () => {
    const outcome = ok(await host.run("restore", ["main", `0002-${NEW}`]));
    expect(outcome.stdout).toContain(`now healthy: OpenClaw ${NEW}`);
    expect(names()).toEqual(["one", "three", "two"]);
    expect(sqlite(database, "PRAGMA user_version")).toEqual([{ user_version: 2 }]);
    expect(ok(await gateway.up(NEW)).stdout).toContain("already healthy");
  });

  it("is backed up while it runs, and damage is noticed before anything is replaced", async () => {
    const pid = host.gatewayPid("main");
    const id = ok(await host.run("backup", ["main"])).stdout.trim();
    expect(host.gatewayPid("main")).toBe(pid);
    const archive = join(host.dir("main"), "backups", id, "state.tar.gz");
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    const content = readFileSync(archive);
    content[content.length - 9]! ^= 1;
    writeFileSync(archive, content);
    const before = gateway.hashes();
    const outcome = await host.run("restore", ["main", id]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`the recovery point ${id} is damaged`);
    expect(gateway.hashes()).toEqual(before);
    expect(ok(await gateway.up(NEW)).stdout).toContain("already healthy");
  });

  it("keeps as many recovery points as the code wants", async () => {
    ok(await gateway.up(NEW, { backups: 1 }));
    const points = await gateway.points();
    expect(points.filter(({ reason }) => reason !== "backup")).toHaveLength(1);
    expect(points.filter(({ reason }) => reason === "backup")).toHaveLength(1);
  });
});

describe("a gateway that is removed with its state", () => {
  const gateway = new Upgraded(PORT + 300);
  const { host } = gateway;
  afterAll(() => host.dispose());

  it("leaves one recovery point, and nothing that it has learned", async () => {
    gateway.place({ version: OLD, schema: 1 });
    const { claim } = gateway.describe(OLD);
    ok(await gateway.up(OLD));
    gateway.fillFiles();
    rmSync(join(gateway.stateDir, "notes"), { recursive: true }); // the account could not remove it
    const outcome = ok(await host.run("remove", ["main", claim.owner.gateway, "purge"], claim));
    expect(existsSync(gateway.stateDir)).toBe(false);
    const [place] = /\S+\/purged\/main-\S+/.exec(outcome.stderr)!;
    expect(statSync(place).mode & 0o777).toBe(0o700);
    const names = execFileSync("tar", ["-tzf", join(place, "state.tar.gz")], { encoding: "utf8" });
    expect(names).toContain("agents/main/sessions/one.jsonl\n");
    gateway.place({ version: OLD, schema: 1 });
    ok(await gateway.up(OLD));
    expect(existsSync(join(gateway.stateDir, "credentials"))).toBe(false);
  });

  it("is removed all the same where somebody else's files are in its state, and they are named", async () => {
    const { claim } = gateway.describe(OLD);
    mkdirSync(join(gateway.stateDir, "of-root"));
    writeFileSync(join(gateway.stateDir, "of-root/note.txt"), "kept");
    const outcome = ok(await host.run("remove", ["main", claim.owner.gateway, "purge"], claim));
    expect(outcome.stderr).toContain(join(gateway.stateDir, "of-root"));
    expect(existsSync(join(gateway.stateDir, "of-root/note.txt"))).toBe(true);
    expect(await ask(PORT + 300, "/startupz")).toBeUndefined();
  });
});

/** The oldest release that is supported, which the newest one migrates. */
describe(`OpenClaw ${OLDEST_VERSION}, and then ${VERSION}`, () => {
  withRealGateways();
  const gateway = new Upgraded(PORT + 200);
  const { host, database } = gateway;
  const jobs = (): unknown =>
    sqlite(database, "SELECT job_id, name, enabled FROM cron_jobs WHERE name IN ('morning', 'evening') ORDER BY name");
  const schema = (): unknown => sqlite(database, "PRAGMA user_version")[0]?.user_version;
  const wanted: { jobs?: unknown; schema?: unknown } = {};
  beforeAll(async () => {
    seedGateway(host.root, "main", OLDEST_VERSION);
    ok(await gateway.up(OLDEST_VERSION));
    seedGateway(host.root, "main");
    for (const name of ["morning", "evening"])
      ok(
        await host.wrapper("main", [
          "cron",
          "add",
          "--name",
          name,
          "--cron",
          "0 3 1 1 *",
          "--message",
          "hello",
          "--session",
          "isolated",
        ]),
      );
    gateway.fillFiles();
    Object.assign(wanted, { jobs: jobs(), schema: schema() });
  });
  afterAll(() => host.dispose());

  it("comes back with its state where another release dies after it has migrated that", async () => {
    gateway.place({ version: BETWEEN, schema: 99, diesMigrated: true });
    const before = { jobs: jobs(), files: gateway.hashes(), schema: schema() };
    const outcome = await gateway.up(BETWEEN);
    expect(outcome.stderr).toContain("The previous generation is running again and is healthy.");
    expect({ jobs: jobs(), files: gateway.hashes(), schema: schema() }).toEqual(before);
    const replaced = join(gateway.stateDir, ".pulumi-openclaw/replaced/state/openclaw.sqlite");
    expect(sqlite(replaced, "PRAGMA user_version")).toEqual([{ user_version: 99 }]);
  });

  it("its state is migrated, with everything in it", async () => {
    const before = { jobs: jobs(), files: gateway.hashes(), schema: schema() };
    const outcome = ok(await gateway.up(VERSION));
    expect(outcome.stdout).toContain(`now healthy: OpenClaw ${VERSION}`);
    expect(Number(schema())).toBeGreaterThan(Number(before.schema));
    expect(jobs()).toEqual(before.jobs);
    const own = Object.entries(before.files).filter(([path]) => /^(agents|credentials|notes|workspace)\//.test(path));
    expect(own.length).toBeGreaterThanOrEqual(4);
    expect(gateway.hashes()).toMatchObject(Object.fromEntries(own));
    expect(ok(await gateway.up(VERSION)).stdout).toContain("already healthy");
  });

  it("is put back by hand, before it was migrated", async () => {
    const [{ id }] = (await gateway.points()) as [{ id: string }];
    expect(ok(await host.run("restore", ["main", id])).stdout).toContain(`now healthy: OpenClaw ${OLDEST_VERSION}`);
    expect(jobs()).toEqual(wanted.jobs);
    expect(schema()).toBe(wanted.schema);
    // The newer release has taken the pending message into its database.
    expect(Object.keys(gateway.hashes())).toContain("delivery-queue/1.json");
  });
});
