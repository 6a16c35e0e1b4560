/**
 * In front of the host program: counts each thing that a verb does to the machine, and at the n-th kills the program, has it
 * fail once, or fills the disk for all that come after it. Only what reads is not counted, so that an operation that the program has not used yet is in it by itself.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import sqlite from "node:sqlite";
import type { Plan } from "./crashes";

type Operation = (...args: unknown[]) => unknown;
type Operations = Record<string, Operation>;

const READS =
  /^(access|close|createReadStream|exists|fstat|glob|lstat|openAsBlob|opendir|read\w*|realpath|stat\w*|unwatch|watch\w*)(Sync)?$/;
/** A full disk does not forbid them. */
const FREES = /^(fchmod|chmod|fchown|chown|lchown|unlink|rm|rmdir|ftruncate|truncate|utimes|futimes)(Sync)?$/;
const WRITING = /[wa+x]/;
const WRITING_FLAGS = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT;

const DESCRIPTIONS = { ENOSPC: "no space left on device", EIO: "i/o error" } as const;
const NUMBERS = { ENOSPC: -28, EIO: -5 } as const;

const root = join(__dirname, "..");
const planFile = join(root, "crash", "plan.json");
const fullFile = join(root, "crash", "full");
const { appendFileSync, existsSync, rmSync } = fs;
const kill = process.kill.bind(process);

function readPlan(): Plan | undefined {
  try {
    const found = JSON.parse(fs.readFileSync(planFile, "utf8")) as Plan;
    return process.argv[2] === found.verb ? found : undefined;
  } catch {
    return undefined;
  }
}

const plan = readPlan();
let isFull = existsSync(fullFile);
let count = 0;
/** Inside of an operation that is counted already. */
let isInside = false;

const isWriting = (flags: unknown): boolean =>
  typeof flags === "number" ? (flags & WRITING_FLAGS) !== 0 : typeof flags === "string" && WRITING.test(flags);

function tear(real: Operation, name: string, [target, data, ...rest]: unknown[]): void {
  if (!/^(write|append)/.test(name) || typeof data !== "string") return;
  isInside = true;
  try {
    real(target, data.slice(0, data.length >> 1), ...rest);
  } catch {
    // it ends anyway
  }
}

/** As Node.js itself makes it. */
function systemError(code: keyof typeof DESCRIPTIONS, name: string, [path]: unknown[]): Error {
  const syscall = name.replace(/Sync$/, "");
  const where = typeof path === "string" ? { path } : {};
  const message = `${code}: ${DESCRIPTIONS[code]}, ${syscall}${where.path === undefined ? "" : ` '${where.path}'`}`;
  return Object.assign(new Error(message), { code, errno: NUMBERS[code], syscall, ...where });
}

/** What a full disk refuses: what is new. A file that is there can be opened, replaced by another, written over. */
function needsRoom(name: string, [path, second, third]: unknown[]): boolean {
  if (["write", "writeFile", "appendFile"].includes(name))
    return !([1, 2] as unknown[]).includes(path) && (third as { flag?: unknown } | undefined)?.flag !== "r+";
  if (name === "open") return isWriting(second) && !existsSync(path as string);
  return name === "mkdir"
    ? !existsSync(path as string)
    : ["copyFile", "cp", "link", "mkdtemp", "symlink"].includes(name);
}

function happen({ mode }: Plan, real: Operation, name: string, args: unknown[]): void {
  const words = args.filter((each) => typeof each === "string" || typeof each === "number").join(" ");
  const text = `${count} ${name} ${words}`.replaceAll(root, "").replace(/\s+/g, " ").slice(0, 140);
  isInside = true;
  appendFileSync(join(root, "crash", "log"), `${text}\n`);
  rmSync(planFile, { force: true });
  if (mode === "full") appendFileSync(fullFile, "");
  isInside = false;
  if (mode === "full") return void (isFull = true);
  if (mode !== "kill") throw systemError(mode, name, args);
  tear(real, name, args);
  kill(process.pid, "SIGKILL");
  for (;;);
}

function watch(operations: Operations, name: string, isCounted: (args: unknown[]) => boolean = () => true): void {
  const real = operations[name]!;
  operations[name] = Object.assign(function (this: unknown, ...args: unknown[]) {
    const outer = isInside;
    try {
      if (!outer && isCounted(args) && plan && ++count === plan.at)
        happen(plan, (...others) => real.apply(this, others), name, args);
      if (!outer && isFull && needsRoom(name.replace(/Sync$/, ""), args)) throw systemError("ENOSPC", name, args);
    } catch (error) {
      // As the real one: what takes a callback never throws.
      const callback = args.at(-1);
      if (name.endsWith("Sync") || typeof callback !== "function") throw error;
      return process.nextTick(callback, error);
    }
    isInside = true;
    try {
      return real.apply(this, args);
    } finally {
      isInside = outer;
    }
  }, real);
}

function countFiles(operations: Operations, mode: Plan["mode"]): void {
  for (const name of Object.keys(operations)) {
    if (typeof operations[name] !== "function" || !/^[a-z]/.test(name) || READS.test(name)) continue;
    if (["ENOSPC", "full"].includes(mode) && FREES.test(name)) continue;
    watch(operations, name, /^open(Sync)?$/.test(name) ? ([, flags]) => isWriting(flags) : undefined);
  }
}

if (plan || isFull) {
  const mode = plan?.mode ?? "full";
  countFiles(fs as unknown as Operations, mode);
  countFiles(fs.promises as unknown as Operations, mode);
  if (mode === "kill") {
    for (const name of ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"])
      watch(childProcess as unknown as Operations, name);
    watch(process as unknown as Operations, "kill", ([, signal]) => signal !== 0);
    watch(sqlite.DatabaseSync.prototype as unknown as Operations, "exec");
  }
}
