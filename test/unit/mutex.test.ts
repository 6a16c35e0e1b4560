/** The deployer's locks. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withMutex } from "../../deployer/mutex";
import { Failure } from "../../model/failure";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(directory, "some", "lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

const never = (): void => {
  throw new Error("it waits");
};

/** Holds the lock for half a second. */
function held(begin: () => unknown, end: () => unknown) {
  let first: Promise<void>;
  const isHeld = new Promise<void>((resolve) => {
    first = withMutex(path, never, async () => {
      begin();
      resolve();
      await sleep(500);
      end();
    });
  });
  return { first: first!, isHeld };
}

it("a mutex is held by one process at a time, and waiting is reported once", async () => {
  const events: string[] = [];
  let waited = 0;
  const { first, isHeld } = held(
    () => events.push("first"),
    () => events.push("first ends"),
  );
  await isHeld;
  const second = withMutex(
    path,
    () => void waited++,
    () => Promise.resolve(events.push("second")),
  );
  await Promise.all([first, second]);
  expect(events).toEqual(["first", "first ends", "second"]);
  expect(waited).toBe(1);
});

it.each([
  ["names a process that is not its holder, as after a reboot", "1"],
  ["is empty, as after a full disk", ""],
  ["holds anything else", "no number"],
])("a mutex is free where its file %s", async (_, content) => {
  path = join(directory, "lock");
  writeFileSync(path, content);
  expect(await withMutex(path, never, () => Promise.resolve(existsSync(path)))).toBe(true);
});

it("a mutex is free as soon as its holder is killed", { timeout: 30_000 }, async () => {
  const program = `
    const { withMutex } = require("./deployer/mutex");
    withMutex(process.argv[1], () => undefined, () => new Promise(() => setInterval(() => console.log("held"), 20)));
  `;
  const args = ["-r", "ts-node/register/transpile-only", "-e", program, path];
  const holder = spawn(process.execPath, args, { cwd: join(__dirname, "../.."), stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  let waited = 0;
  const mine = withMutex(
    path,
    () => {
      waited++;
      holder.kill("SIGKILL");
    },
    () => Promise.resolve("mine"),
  );
  expect(await mine).toBe("mine");
  expect(waited).toBe(1);
});

it("a mutex is the same where Perl takes it, as on macOS", async () => {
  const { platform } = process;
  let waited = 0;
  let isFree = false;
  const { first, isHeld } = held(
    () => undefined,
    () => (isFree = true),
  );
  await isHeld;
  Object.defineProperty(process, "platform", { value: "darwin" });
  try {
    const second = () => Promise.resolve(isFree);
    expect(await withMutex(path, () => void waited++, second)).toBe(true);
    expect(waited).toBe(1);
  } finally {
    Object.defineProperty(process, "platform", { value: platform });
  }
  await first;
});

it("a mutex that cannot be taken is named", async () => {
  const error = await withMutex("/proc/self/lock", never, () => Promise.resolve()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Failure);
  expect((error as Failure).message).toMatch(/^\/proc\/self\/lock cannot be locked: .+\n {4}-> /);
});
