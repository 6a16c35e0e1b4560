/** Programs that the lab runs on this machine. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

/** Runs a program to its end and returns what it printed; throws with what it complained about. */
export function command(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** The same for programs that take their time. */
export async function longCommand(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** `rm -rf` that never leaves the file system it starts on: a mount below that is still there is not emptied. */
export function remove(path: string): void {
  command("rm", "-rf", "--one-file-system", path);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
