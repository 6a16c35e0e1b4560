/** The deployer's locks. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "../../deployer/lock";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(directory, "some", "lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

const never = (holder: number): void => {
  throw new Error(`waits for ${holder}`);
};

it("is one process's at a time, which is said, and leaves nothing", async () => {
  const events: string[] = [];
  let waited = 0;
  const first = withLock(path, never, async () => {
    events.push("first");
    await sleep(500);
    events.push("first ends");
  });
  const second = withLock(
    path,
    (holder) => {
      waited++;
      expect(holder).toBe(process.pid);
    },
    () => Promise.resolve(events.push("second")),
  );
  await Promise.all([first, second]);
  expect(events).toEqual(["first", "first ends", "second"]);
  expect(waited).toBe(1);
  expect(readdirSync(join(directory, "some"))).toEqual([]);
});

it.each([
  ["a process that is gone", String(spawnSync("true").pid)],
  ["a full disk, which left it empty", ""],
  ["nobody", "no number"],
])("is taken from %s", async (_, content) => {
  path = join(directory, "lock");
  writeFileSync(path, content);
  expect(await withLock(path, never, () => Promise.resolve(existsSync(path)))).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});
