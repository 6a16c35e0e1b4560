/** Rows of measurements, each beside what it is compared with in the same run. */
import { writeFileSync } from "node:fs";

export interface Row {
  readonly what: string;
  /** Seconds, one for each round. */
  readonly ours: readonly number[];
  /** What `ours` is compared with, in the same rounds. */
  readonly than?: string;
  readonly theirs?: readonly number[];
  readonly goal?: { readonly text: string; readonly isMet: boolean };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Median of the rounds' ratios: what disturbs the machine disturbs both of a round. */
export const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((each, round) => each / theirs[round]!));

export const difference = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((each, round) => each - theirs[round]!));

const seconds = (values: readonly number[]): string => median(values).toFixed(2);

export function print(rows: readonly Row[]): void {
  const lines = rows.map(({ what, ours, than = "", theirs, goal }) => [
    what,
    `${ours.length}`,
    seconds(ours),
    than,
    theirs ? seconds(theirs) : "",
    theirs ? ratio(ours, theirs).toFixed(2) : "",
    goal ? `${goal.text}: ${goal.isMet ? "met" : "missed"}` : "",
  ]);
  const table = [["what", "rounds", "seconds", "compared with", "seconds", "ratio", "goal"], ...lines];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const text = table.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`);
  text.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  writeFileSync(1, `\n${text.join("\n")}\n`);
}
