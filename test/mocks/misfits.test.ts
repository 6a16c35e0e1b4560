/** Arguments of a LocalHost that do not fit this machine: said by a preview, before `up` is refused over them. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nobodyElse } from "../../host/account";
import { asIdentity } from "../../host/fences";
import { writeJson } from "../../host/files";
import type { HostGateway } from "../../host/host";
import { ensureRelease } from "../../host/release";
import { findConflicts } from "../../inspect/conflicts";
import { groupsOnWayTo } from "../../inspect/trusted";
import * as units from "../../inspect/units";
import { temporaryRoot } from "../support/hosts";
import { problemsIn } from "./program";

const isRoot = process.getuid!() === 0;
const ACCOUNT = "openclaw-test-misfits";
let root: string;
beforeEach(() => {
  root = temporaryRoot();
  vi.spyOn(units, "lingerConflict").mockReturnValue(undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

const problemsOf = async (args: object): Promise<string[]> => {
  const problems = await problemsIn(({ LocalHost }) => {
    new LocalHost("here", { root, binDir: join(root, "bin"), account: ACCOUNT, ...args });
  });
  return problems.map(({ path, reason, advice }) => `${path}: ${reason} -> ${advice}`.replaceAll(root, "ROOT"));
};

it("a suitable machine has no problems", async () => expect(await problemsOf({})).toEqual([]));

it("systemd is refused where there is none", async () => {
  vi.spyOn(units, "hasSystemd").mockReturnValue(false);
  expect(await problemsOf({ supervisor: "systemd" })).toEqual([
    'here.supervisor: is systemd, which is not running on this machine -> use "process", or remove this argument',
  ]);
});

it.each([
  ["root", { root: "file/claw" }],
  ["binDir", { binDir: "file" }],
])("a %s that cannot be a directory is refused", async (property, args) => {
  writeFileSync(join(root, "file"), "");
  const given = Object.fromEntries(Object.entries(args).map(([key, path]) => [key, join(root, path)]));
  expect(await problemsOf(given)).toEqual([
    expect.stringMatching(`^here\\.${property}: ROOT/file is not a directory -> set ${property} to a directory`),
  ]);
});

it("another account or supervisor than that of the gateways there is refused", async () => {
  const manage = join(root, ".pulumi-openclaw");
  mkdirSync(join(manage, "gateways/main"), { recursive: true });
  writeJson(join(manage, "host.json"), { root, account: isRoot ? "claw" : null, supervisor: "systemd" });
  vi.spyOn(units, "hasSystemd").mockReturnValue(true);
  const advice = "-> deploy as before, use another `root`, or destroy those gateways first";
  expect(await problemsOf({ supervisor: "process" })).toEqual([
    ...(isRoot
      ? [`here.account: the gateways below ROOT/.pulumi-openclaw run as claw, not as ${ACCOUNT} ${advice}`]
      : []),
    `here.supervisor: the gateways below ROOT/.pulumi-openclaw run as systemd, not as process ${advice}`,
  ]);
  expect(await problemsOf({ account: "claw" })).toEqual([]);
});

it.runIf(isRoot)("a root that the gateways' account cannot enter is refused", async () => {
  mkdirSync(join(root, "private"), { mode: 0o700 });
  expect(await problemsOf({ root: join(root, "private/claw") })).toEqual([
    `here.root: the account ${ACCOUNT}, which gateways run as, cannot enter ROOT/private -> ` +
      "let others through (chmod o+x ROOT/private), or choose a directory elsewhere",
  ]);
});

it.runIf(isRoot)("a root whose parent was closed later, to all but a group", async () => {
  const manage = join(root, "private/.pulumi-openclaw");
  mkdirSync(join(manage, "gateways/main"), { recursive: true });
  writeJson(join(manage, "host.json"), { root: join(root, "private"), account: "daemon", supervisor: "process" });
  const refused = async (): Promise<string[]> =>
    (await problemsOf({ root: join(root, "private"), account: "daemon" })).filter((each) =>
      each.startsWith("here.root"),
    );
  chmodSync(join(root, "private"), 0o750);
  expect(await refused()).toEqual([
    "here.root: the account daemon, which gateways run as, cannot enter ROOT/private -> " +
      "let others through (chmod o+x ROOT/private) again",
  ]);
  chownSync(join(root, "private"), 0, 1);
  expect(await refused()).toEqual([]);
});

const claimed = (places: object, account: string | null): string[] => {
  const layout = { root: join(root, "claw"), binDir: join(root, "bin"), account };
  const paths = {
    stateDir: join(root, "claw/state"),
    workspace: join(root, "claw/work"),
    configPath: join(root, "c/a"),
  };
  const owner = { stack: "o/p/s", gateway: "main" };
  const claim = { id: "main", owner, basePort: 26789, wrapper: join(root, "bin/openclaw-main"), ...paths, ...places };
  return findConflicts(layout, [claim])[0]!.map(
    ({ property, reason }) => `${property}: ${reason.replaceAll(root, "ROOT")}`,
  );
};

it.runIf(isRoot)("a state directory or workspace that the gateway's account cannot reach is refused", () => {
  mkdirSync(join(root, "private"), { mode: 0o700 });
  const places = { stateDir: join(root, "private/state"), workspace: join(root, "private/work") };
  const reason = "the account daemon, which the gateway runs as, cannot enter ROOT/private";
  expect(claimed(places, "daemon")).toEqual([`stateDir: ${reason}`, `workspace: ${reason}`]);
  // As its own, it can.
  chownSync(join(root, "private"), 1, 1);
  expect(claimed({ workspace: places.workspace }, "daemon").join()).not.toContain("cannot enter");
});

it("directories that the deploying user cannot create are refused", () => {
  mkdirSync(join(root, "others"));
  writeFileSync(join(root, "others/file"), "");
  const at = (name: string): string => join(root, "others/file", name);
  expect(claimed({ stateDir: at("state"), configPath: at("openclaw.json") }, null)).toEqual([
    "stateDir: ROOT/others/file/state cannot be created: ROOT/others/file is not a directory that this user can write to",
    "configPath: ROOT/others/file/openclaw.json cannot be created: ROOT/others/file is not a directory that this user can write to",
  ]);
  chmodSync(join(root, "others"), 0o755);
  expect(claimed({ stateDir: join(root, "others/state") }, null)).toEqual([]);
});

const releaseOf = (account: string): HostGateway =>
  ({
    host: { identity: { name: account, demote: true } },
    paths: { releases: join(root, "private/releases") },
  }) as HostGateway;

it("a root that an install script's account cannot enter is refused", async () => {
  mkdirSync(join(root, "private/releases"), { recursive: true });
  chmodSync(join(root, "private"), 0o700);
  const installing = ensureRelease(releaseOf("daemon"), { version: "2026.9.6", lock: "0" }, () => undefined);
  await expect(installing).rejects.toThrow(`others cannot enter ${root}/private\n    -> let them through (chmod o+x`);
});

it.runIf(isRoot)("a release whose install script goes there with one of its account's groups, and no more", () => {
  mkdirSync(join(root, "private"));
  chmodSync(join(root, "private"), 0o750);
  chownSync(join(root, "private"), 0, 1);
  const { needed, closed } = groupsOnWayTo(join(root, "private"), [1, 2]);
  expect({ needed, closed }).toEqual({ needed: [1], closed: [] });
  const { file, args } = asIdentity(nobodyElse(needed), "id", ["-G"]);
  expect(execFileSync(file, args, { encoding: "utf8" })).toMatch(/^\d+ 1\n$/);
  const enter = asIdentity(nobodyElse(needed), "ls", [join(root, "private")]);
  expect(execFileSync(enter.file, enter.args, { encoding: "utf8" })).toBe("");
});
