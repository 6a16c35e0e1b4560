/** What the toolchain tells its user: one line for each step, with its duration. All on stderr: stdout is for results. */

const TICK_ON_A_TERMINAL = 1_000;
const TICK_IN_A_LOG = 30_000;

export const announce = (text: string): void => void process.stderr.write(`${text}\n`);

/** A duration as people say it: `0.4 s`, `42 s`, `4 min 3 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Does one step and says how long it took. A step that takes minutes says so first (`about`), and shows that it is alive:
 * on a terminal by a running clock, in a log by a line now and then.
 */
export async function step<T>(what: string, work: () => Promise<T> | T, about?: string): Promise<T> {
  const start = Date.now();
  const elapsed = (): string => duration(Date.now() - start);
  const terminal = process.stderr.isTTY;
  const expected = about === undefined ? "" : ` (${about})`;
  const rewrite = (text: string): void => void process.stderr.write(`\r\x1b[2K${text}`);

  if (terminal) rewrite(`${what} …${expected}`);
  else if (about !== undefined) announce(`${what} …${expected}`);
  const clock = setInterval(
    () => (terminal ? rewrite(`${what} … ${elapsed()}${expected}`) : announce(`  … ${elapsed()}`)),
    terminal ? TICK_ON_A_TERMINAL : TICK_IN_A_LOG,
  );
  let outcome = "failed after";
  try {
    const result = await work();
    outcome = "";
    return result;
  } finally {
    clearInterval(clock);
    if (terminal) rewrite("");
    announce(`${what}: ${[outcome, elapsed()].filter(Boolean).join(" ")}`);
  }
}
