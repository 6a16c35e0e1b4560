import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureAccount } from "../../host/account";
import { uidOf } from "../../inspect/accounts";
import { findConflicts } from "../../inspect/conflicts";
import { configFile, STATE_OWNER_FILE } from "../../model/hostLayout";
import { ok, TEST_ACCOUNT, TestHost } from "../support/hosts";

const PORT = 22200;
const asRoot = process.getuid!() === 0;

/** Every file below a directory with its content and times: what "not touched" means. */
function fingerprint(directory: string): string[] {
  return (
    readdirSync(directory, { recursive: true, withFileTypes: true })
      // Node.js and npm, which are large, are written once.
      .filter((entry) => entry.isFile() && !/\/(nodes|npms)\//.test(entry.parentPath))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const { mtimeMs, uid, mode } = statSync(path);
        return `${path} ${mtimeMs} ${uid} ${mode} ${readFileSync(path, "base64")}`;
      })
      .sort()
  );
}

describe("a claim is refused, and nothing is touched", () => {
  let host: TestHost;
  beforeAll(() => void (host = new TestHost()));
  afterAll(() => host.dispose());

  async function refused(
    args: { profile?: string; [name: string]: unknown },
    expected: RegExp,
    options = {},
  ): Promise<void> {
    const { claim } = host.describe({ basePort: PORT, ...args }, options);
    const before = fingerprint(host.root);
    const outcome = await host.run("claim", [args.profile ?? "main"], claim);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(expected);
    expect(outcome.stderr).toContain("was not touched");
    expect(outcome.stderr).toContain("->");
    expect(outcome.stderr).not.toContain("    at "); // no stack
    expect(fingerprint(host.root).filter((line) => !line.includes("/locks/"))).toEqual(
      before.filter((line) => !line.includes("/locks/")),
    );
  }

  it("a claim is refused where no stack owns the state directory", async () => {
    mkdirSync(join(host.root, ".openclaw-byhand"));
    writeFileSync(join(host.root, ".openclaw-byhand", "openclaw.json"), "{}");
    await refused({ profile: "byhand" }, /stateDir: .*\.openclaw-byhand exists and no stack owns it.*\n.*mv /);
  });

  it("a claim is refused where a command of the same name belongs to somebody else", async () => {
    mkdirSync(host.layout.binDir, { recursive: true });
    writeFileSync(join(host.layout.binDir, "openclaw-taken"), "#!/bin/sh\n");
    await refused({ profile: "taken" }, /profile: .*openclaw-taken exists and is not this gateway's command/);
  });

  it("a claim is refused where a file is at the configuration's path", async () => {
    const configPath = join(host.root, "mine.json");
    writeFileSync(configPath, "{}");
    await refused({ configPath }, /configPath: .*mine\.json exists and was not put there by this gateway/);
  });

  it("a claim is refused where a port of the block is in use", async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(PORT + 11, "127.0.0.1", resolve));
    try {
      await refused(
        {},
        new RegExp(
          `basePort: .*\\(pid ${process.pid}\\) listens on port ${PORT + 11}, one of this gateway's ports ${PORT}-${PORT + 110}`,
        ),
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("a claim is refused where another stack owns the gateway, its ports or its directories", async () => {
    const mine = host.describe({ profile: "mine", basePort: PORT });
    ok(await host.run("claim", ["mine"], mine.claim));
    await refused(
      { profile: "mine" },
      /profile: this host already has a gateway mine, which belongs to gateway mine of stack test\/test\/test/,
      { stack: "o/o/o", ownerId: "2" },
    );
    await refused({ profile: "mine" }, /from another stack of the same name \(test\/test\/test\), with other state/, {
      ownerId: "2",
    });
    await refused(
      { profile: "near", basePort: PORT + 110 },
      /basePort: its ports .* overlap those of gateway mine of stack test/,
      { stack: "o/o/o", ownerId: "2" },
    );
    await refused(
      { profile: "nested", basePort: PORT + 500, workspace: join(host.root, ".openclaw-mine", "deep") },
      /workspace: .* shares .*\.openclaw-mine with gateway mine/,
      { stack: "o/o/o", ownerId: "2" },
    );
    ok(
      await host.run(
        "claim",
        ["mine"],
        host.describe({ profile: "mine", basePort: PORT }, { stack: "renamed/o/o" }).claim,
      ),
    );
    ok(await host.run("claim", ["mine"], mine.claim)); // the owner itself may, again and again
  });

  it("a disowned gateway may be claimed by the next stack", async () => {
    const theirs = host.describe({ profile: "given", basePort: PORT + 900 });
    ok(await host.run("claim", ["given"], theirs.claim));
    const mineNow = host.describe({ profile: "given", basePort: PORT + 900 }, { stack: "o/o/new", ownerId: "2" });
    expect((await host.run("claim", ["given"], mineNow.claim)).stderr).toContain("host disown given");
    ok(await host.run("disown", ["given"]));
    expect(findConflicts(host.layout, [{ ...mineNow.claim, id: "given" }]).flat()).toEqual([]);
    ok(await host.run("claim", ["given"], mineNow.claim));
    expect((await host.run("claim", ["given"], theirs.claim)).stderr).toContain(
      "belongs to gateway given of stack o/o/new",
    );
    // The old stack, found again, destroys what it believes to be its own.
    const late = ok(await host.run("remove", ["given", "given"], theirs.claim));
    expect(late.stderr).toContain("now belongs to another stack");
    expect(existsSync(join(host.dir("given"), "owner.json"))).toBe(true);
    ok(await host.run("remove", ["given", "given"], mineNow.claim));
    expect(existsSync(host.dir("given"))).toBe(false);
  });

  it("preview finds the same conflicts without the stack's id", () => {
    const { claim } = host.describe({ profile: "mine", basePort: PORT });
    const look = (owner: { stack: string; gateway: string }) =>
      findConflicts(host.layout, [{ ...claim, id: "mine", owner }]).flat();
    expect(look({ stack: "test/test/test", gateway: "mine" })).toEqual([]);
    expect(look({ stack: "o/o/o", gateway: "mine" }).map(({ property }) => property)).toEqual(["profile", "stateDir"]);
  });

  it("a claim is refused where the agent has replaced the owner mark", async () => {
    const stateDir = join(host.root, "tampered");
    mkdirSync(stateDir);
    if (asRoot) chownSync(stateDir, statSync(join(host.root, ".openclaw-mine")).uid, 0);
    const mark = join(stateDir, STATE_OWNER_FILE);
    symlinkSync("/etc/shadow", mark);
    await refused({ profile: "tampered", basePort: PORT + 700, stateDir }, /no stack owns it/);
    rmSync(mark);
    execFileSync("mkfifo", [mark]);
    await refused({ profile: "tampered", basePort: PORT + 700, stateDir }, /no stack owns it/);
  });

  it("a claim is refused where its directories are inside ours, which are removed with it", async () => {
    await refused(
      { profile: "inside", basePort: PORT + 700, stateDir: join(host.manage, "state") },
      /stateDir: .* must not contain each other/,
    );
  });

  it("a claim in another format is refused", async () => {
    const { claim } = host.describe({ profile: "format", basePort: PORT + 700 });
    const outcome = await host.run("claim", ["format"], { ...claim, format: 2 });
    expect(outcome.stderr).toContain("this host's program reads format 1, not 2");
  });

  it.runIf(asRoot)("a claim is refused where others could change the directories that root trusts", async () => {
    chownSync(host.root, 65534, 65534);
    await refused({ profile: "unsafe" }, /can be changed by users other than root.*\n.*chown -h root/);
    chownSync(host.root, 0, 0);
    chmodSync(host.root, 0o777);
    await refused({ profile: "unsafe" }, /can be changed by users other than root/);
    chmodSync(host.root, 0o755);
  });
});

it.runIf(asRoot)("data moved from another machine gets its account, with the account's uid", async () => {
  const host = new TestHost();
  const account = "openclaw-moved";
  const passwd = readFileSync("/etc/passwd", "utf8");
  const number = [...Array(200).keys()].map((n) => 700 + n).find((uid) => !passwd.includes(`:x:${uid}:`))!;
  try {
    const { claim } = host.describe({ basePort: PORT });
    mkdirSync(claim.workspace, { recursive: true });
    const mark = { owner: { stack: claim.owner.stack, gateway: claim.owner.gateway }, released: true };
    writeFileSync(join(claim.stateDir, STATE_OWNER_FILE), JSON.stringify(mark));
    for (const path of [claim.stateDir, claim.workspace]) chownSync(path, number, number);
    const layout = { ...host.layout, account };
    expect(findConflicts(layout, [{ ...claim, id: "main" }])).toEqual([[]]);
    ensureAccount(account, host.root);
    expect(uidOf(account)).toBe(number);
    expect(findConflicts(layout, [{ ...claim, id: "main" }])).toEqual([[]]);
  } finally {
    if (uidOf(account) !== undefined) execFileSync("userdel", [account]);
    await host.dispose();
  }
});

it.runIf(asRoot)("the gateway's account cannot take our mutexes", () => {
  const host = new TestHost();
  return host
    .run("claim", ["main"], host.describe({ basePort: PORT }).claim)
    .then(ok)
    .then(() => expect(statSync(join(host.manage, "locks")).mode & 0o777).toBe(0o700))
    .finally(() => host.dispose());
});

it("the next step renews a claim that an interrupted destroy gave up", async () => {
  const host = new TestHost();
  try {
    const { claim } = host.describe({ basePort: PORT });
    ok(await host.run("claim", ["main"], claim));
    ok(await host.run("remove", ["main"]));
    expect(await host.stageSecrets("main", claim, { KEY: "value" })).toMatch(/^[0-9a-f]{16}$/);
    expect(readdirSync(join(host.root, ".openclaw"))).toContain("workspace");
  } finally {
    await host.dispose();
  }
});

it("a host that lost its own description can be set up again", async () => {
  const host = new TestHost();
  try {
    rmSync(join(host.manage, "host.json"));
    const outcome = await host.run("claim", ["main"], host.describe({ basePort: PORT }).claim);
    expect(outcome.stderr).toMatch(/host\.json is missing\n {4}-> set the host up again: pulumi up --target-replace/);
    ok(await host.run("leave", [])); // what replacing the host program begins with
    expect(readdirSync(host.root)).toEqual([]);
  } finally {
    await host.dispose();
  }
});

it("a custom configuration path becomes a link to the gateway's", async () => {
  const host = new TestHost();
  try {
    const configPath = join(host.root, "etc", "claw.json");
    const { claim } = host.describe({ basePort: PORT, configPath });
    ok(await host.run("claim", ["main"], claim));
    ok(await host.run("claim", ["main"], claim));
    ok(await host.run("remove", ["main"]));
    expect(readdirSync(host.root)).not.toContain("etc");
  } finally {
    await host.dispose();
  }
});

it("the claim of a gateway that never ran is removed without a trace", async () => {
  const host = new TestHost();
  try {
    const { claim } = host.describe({ basePort: PORT, workspace: join(host.root, "elsewhere") });
    ok(await host.run("claim", ["main"], claim));
    ok(await host.run("remove", ["main"]));
    ok(await host.run("leave", []));
    expect(readdirSync(host.root)).toEqual([]);
  } finally {
    await host.dispose();
  }
});

it("foreign files in the directory of a gateway that never ran stay, and are named", async () => {
  const host = new TestHost();
  try {
    const { claim } = host.describe({ basePort: PORT });
    ok(await host.run("claim", ["main"], claim));
    const credentials = join(claim.stateDir, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "telegram.json"), "precious");
    const { stderr } = ok(await host.run("remove", ["main"]));
    expect(stderr).toContain(`not everything in its directories was created for it; kept: ${credentials}`);
    expect(readFileSync(join(credentials, "telegram.json"), "utf8")).toBe("precious");
    ok(await host.run("claim", ["main"], claim)); // its data is found again
    ok(await host.run("remove", ["main"]));
    expect(readFileSync(join(credentials, "telegram.json"), "utf8")).toBe("precious");
  } finally {
    await host.dispose();
  }
});

it("a configuration path in the state directory stays a link of the gateway's account, up after up", async () => {
  const host = new TestHost();
  try {
    const configPath = join(host.root, ".openclaw", "etc", "openclaw.json");
    const { claim } = host.describe({ basePort: PORT, configPath });
    for (let n = 0; n < 2; n++) ok(await host.run("claim", ["main"], claim));
    expect(readlinkSync(configPath)).toBe(configFile(host.manage, "main"));
    expect(lstatSync(configPath).uid).toBe(statSync(claim.stateDir).uid);
    ok(await host.run("remove", ["main"]));
    expect(readdirSync(host.root)).not.toContain(".openclaw");
  } finally {
    await host.dispose();
  }
});

it.runIf(asRoot)("root follows no link of the agent out of the state directory", async () => {
  const host = new TestHost();
  const outside = join(host.root, "outside");
  mkdirSync(outside);
  try {
    const inside = (name: string): string => join(host.root, ".openclaw", name);
    const { claim } = host.describe({ basePort: PORT });
    ok(await host.run("claim", ["main"], claim));
    for (const name of ["etc", "deep"]) symlinkSync(outside, inside(name));
    for (const args of [{ configPath: inside("etc/openclaw.json") }, { workspace: inside("deep/workspace") }]) {
      const moved = host.describe({ basePort: PORT, ...args });
      const { code, stderr } = await host.run("claim", ["main"], moved.claim);
      expect(stderr).toMatch(/cannot be changed: .*Permission denied\n {4}-> let the gateway's account write there/);
      expect(code).toBe(1);
    }
    expect(readdirSync(outside)).toEqual([]);
  } finally {
    await host.dispose();
  }
});

it.runIf(asRoot)("nothing is deployed where another user owns the directory of OpenClaw's locks", async () => {
  const account = `${TEST_ACCOUNT}-locks`;
  const host = new TestHost({ account });
  const uid = Number(execFileSync("id", ["-u", account], { encoding: "utf8" }));
  const locks = `/tmp/openclaw-state-locks-${uid}`;
  try {
    const { claim, spec } = host.describe({ basePort: PORT });
    ok(await host.run("claim", ["main"], claim));
    const nonce = await host.stageSecrets("main", claim, { OPENCLAW_GATEWAY_TOKEN: "token" });
    rmSync(locks, { recursive: true, force: true }); // of an account that had the same number before
    mkdirSync(locks);
    chownSync(locks, 65534, 65534);
    const advice = `\n    -> find out who that is \\(id 65534\\) and why, then run: sudo rm -r ${locks}`;
    const refused = await host.run("claim", ["main"], claim);
    expect(refused.stderr).toMatch(new RegExp(`stateDir: ${locks}, where .* belongs to user 65534: .*${advice}`));
    const { code, stderr } = await host.run("apply", ["main", "claim-id", nonce], spec);
    expect(stderr).toMatch(new RegExp(`belongs to user 65534: OpenClaw cannot start; nothing was changed${advice}`));
    expect(code).toBe(1);
  } finally {
    rmSync(locks, { recursive: true, force: true });
    await host.dispose();
    execFileSync("userdel", [account], { stdio: "ignore" });
  }
});
