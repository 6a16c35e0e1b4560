/** Measures things by turns. */
import { ok, type Outcome } from "../test/support/processes";

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Seconds that an action takes. */
export async function timed(action: Promise<Outcome>): Promise<number> {
  const started = performance.now();
  ok(await action);
  return (performance.now() - started) / 1000;
}

/** Measures two things by turns, the second one first in every other round. */
export async function byTurns(rounds: number, ours: () => Promise<number>, theirs: () => Promise<number>) {
  const times = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds; round++)
    for (const whose of round % 2 ? (["theirs", "ours"] as const) : (["ours", "theirs"] as const))
      times[whose].push(await { ours, theirs }[whose]());
  return times;
}
