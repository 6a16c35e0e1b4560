/** The root stack's life after its first `up`: killed, updated, destroyed, found again, made another one. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REFUSED_LATER, TestStack } from "../support/engine";
import { ask, endStrays, eventually, isRunning, ok, temporaryRoot, TEST_ACCOUNT } from "../support/hosts";
import { placeRelease, seedTools } from "../support/seed";
import { manage, pids, supervisorState } from "./gateways";

const MAIN = 25400;
const RESCUE = 25511;

const settings = (root: string): Record<string, string> => ({
  root,
  ...(process.getuid!() === 0 && { account: TEST_ACCOUNT }),
  "main.basePort": String(MAIN),
  "rescue.basePort": String(RESCUE),
});

function seed(root: string): void {
  seedTools(root);
  for (const id of ["main", "rescue"]) placeRelease(root, id);
}

describe("the root stack", () => {
  let root: string;
  let stack: TestStack;

  beforeAll(async () => {
    root = temporaryRoot();
    seed(root);
    stack = await TestStack.create(undefined, undefined, true);
    stack.configs(settings(root));
    ok(await stack.up());
  });
  afterAll(async () => {
    await stack?.dispose();
    endStrays(root);
    rmSync(root, { recursive: true, force: true });
  });

  it("a gateway comes back after kill -9", async () => {
    const before = pids(root);
    process.kill(before.main, "SIGKILL");
    await eventually(
      "a new main",
      20,
      () => supervisorState(root, "main").gateway && supervisorState(root, "main").gateway.pid !== before.main,
    );
    await eventually("healthy again", 60, () => ask(MAIN, "/startupz"));
    expect(pids(root).rescue).toBe(before.rescue);
    ok(await stack.preview("--expect-no-changes"));
  });

  it("a new version of the library updates the host program only", async () => {
    const bundle = join(stack.project, "dist", "host.cjs.br");
    const before = pids(root);
    const later = Buffer.concat([brotliDecompressSync(readFileSync(bundle)), Buffer.from("// a later version\n")]);
    writeFileSync(bundle, brotliCompressSync(later));
    const { stdout } = ok(await stack.preview());
    expect(stdout).toMatch(/~\s+command:local:Command local-program update/);
    expect(stdout).toMatch(/~ 1 to update\n/);
    ok(await stack.up());
    expect(readFileSync(join(manage(root), "host.cjs"), "utf8")).toContain("a later version");
    expect(pids(root)).toEqual(before);
    ok(await stack.preview("--expect-no-changes"));
  });

  it("destroy keeps the data, and the next up finds it again", async () => {
    const before = [
      ...Object.values(pids(root)),
      ...["main", "rescue"].map((id) => supervisorState(root, id).supervisor.pid),
    ];
    const diary = join(root, ".openclaw", "workspace", "diary.md");
    writeFileSync(diary, "dear diary");
    ok(await stack.destroy());
    expect(before.filter(isRunning)).toEqual([]);
    expect([await ask(MAIN, "/startupz"), await ask(RESCUE, "/startupz")]).toEqual([undefined, undefined]);
    expect(readdirSync(root).sort()).toEqual([".openclaw", ".openclaw-rescue"]);
    expect(await stack.resources()).toEqual([]);

    seed(root);
    ok(await stack.up());
    expect(await ask(MAIN, "/readyz")).toMatchObject({ ready: true });
    expect(readFileSync(diary, "utf8")).toBe("dear diary");
  });

  it("a pair becomes a rescue alone, and a pair again, without touching the rescue", async () => {
    const { rescue } = pids(root);
    stack.config("mode", "rescue");
    ok(await stack.run(["config", "rm", "main"]));
    const { stdout } = ok(await stack.preview());
    expect(stdout).toMatch(/-\s+openclaw:index:Gateway\s+openclaw-main delete/);
    expect(stdout).not.toMatch(/openclaw-rescue\S* (create|replace|delete)/);
    const outcome = ok(await stack.up());
    // There is no main now, and only that is warned of.
    expect(new Set(outcome.stdout.match(/warning: [^:]*: [^,]*/g))).toEqual(
      new Set(["warning: openclaw-rescue: no main gateway was found beside it"]),
    );
    expect(await ask(MAIN, "/startupz")).toBeUndefined();
    expect(supervisorState(root, "rescue").gateway.pid).toBe(rescue);
    ok(await stack.preview("--expect-no-changes"));

    stack.config("mode", "pair");
    stack.config("main.basePort", String(MAIN));
    placeRelease(root, "main");
    ok(await stack.up());
    expect(await ask(MAIN, "/readyz")).toMatchObject({ ready: true });
    expect(pids(root).rescue).toBe(rescue);
    ok(await stack.preview("--expect-no-changes"));
  });
});

it("destroy leaves nothing of a first up that failed", async () => {
  const root = temporaryRoot();
  seed(root);
  const stack = await TestStack.create();
  try {
    stack.configs(settings(root));
    for (const gateway of ["main", "rescue"]) stack.config(`${gateway}.config.update.channel`, REFUSED_LATER);
    expect((await stack.up()).code).not.toBe(0);
    ok(await stack.destroy());
    expect(readdirSync(root)).toEqual([]);
  } finally {
    await stack.dispose();
    rmSync(root, { recursive: true, force: true });
  }
});
