/**
 * One process at a time, on this machine. The kernel releases a lock when its holder dies, however it dies. Node.js cannot
 * lock a file, so a child does: it ends with its standard input, and so with this process.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Failure } from "../model/failure";

/** util-linux and busybox have `flock`, macOS has Perl. */
const HOLD = "echo locked; exec cat >/dev/null";
const PERL = `
use Fcntl ":flock";
my ($path, $wait) = @ARGV;
open my $file, ">>", $path or die "$path: $!";
flock $file, LOCK_EX | ($wait ? 0 : LOCK_NB) or exit 1;
$| = 1;
print "locked\\n";
1 while <STDIN>;
`;

type MutexHolder = ChildProcessByStdio<Writable, Readable, Readable>;

/** `onWait` is called once if another process holds the lock. */
export async function withMutex<T>(path: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let holder = await take(path, false);
  if (!holder) {
    onWait();
    holder = await take(path, true);
  }
  try {
    return await action();
  } finally {
    holder?.stdin.end();
  }
}

/** `undefined` where another process has it. */
function take(path: string, wait: boolean): Promise<MutexHolder | undefined> {
  const holder: MutexHolder =
    process.platform === "linux"
      ? spawn("flock", [...(wait ? [] : ["-n"]), path, "sh", "-c", HOLD], { stdio: "pipe" })
      : spawn("perl", ["-e", PERL, path, ...(wait ? ["wait"] : [])], { stdio: "pipe" });
  holder.stdin.on("error", () => undefined); // its end is what counts
  let complaint = "";
  holder.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  return new Promise((resolve, reject) => {
    const failed = (reason: string): void =>
      reject(new Failure(`${path} cannot be locked: ${reason}`, "let this user write there; `flock` is in util-linux"));
    holder
      .once("error", ({ message }) => failed(message))
      .once("close", (code) =>
        code === 1 && !wait && complaint === "" ? resolve(undefined) : failed(complaint.trim()),
      );
    holder.stdout.once("data", () => resolve(holder));
  });
}
