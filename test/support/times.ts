/** Says at the end of a run where its time went: the levels, and the ten slowest rows. */
import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

const SLOWEST = 10;

interface Level {
  rows: number;
  skipped: number;
  milliseconds: number;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(0)} s`.padStart(7);

/** The folder, but for what runs quietly, when everything else is done. */
const levelOf = ({ project, moduleId }: TestModule): string =>
  project.name === "quiet" ? project.name : relative(project.config.root, moduleId).split("/")[1]!;

export default class Times implements Reporter {
  private started = 0;

  onTestRunStart(): void {
    this.started = Date.now();
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const levels = new Map<string, Level>();
    const rows: { readonly name: string; readonly milliseconds: number }[] = [];
    for (const module of modules) {
      const name = levelOf(module);
      const level = levels.get(name) ?? { rows: 0, skipped: 0, milliseconds: 0 };
      levels.set(name, level);
      level.milliseconds += module.diagnostic().duration;
      for (const test of module.children.allTests()) {
        level.rows++;
        if (test.result().state === "skipped") level.skipped++;
        const milliseconds = test.diagnostic()?.duration ?? 0;
        rows.push({ name: `${name}: ${test.fullName}`, milliseconds });
      }
    }
    const slowest = rows.toSorted((one, other) => other.milliseconds - one.milliseconds).slice(0, SLOWEST);
    const lines = [
      "\nLevel        rows  skipped  time of its files, hooks included (files run side by side)",
      ...[...levels].map(([name, { rows: count, skipped, milliseconds }]) =>
        [name.padEnd(10), `${count}`.padStart(6), `${skipped}`.padStart(8), seconds(milliseconds)].join(" "),
      ),
      "\nThe slowest rows:",
      ...slowest.map(({ name, milliseconds }) => `${seconds(milliseconds)}  ${name}`),
      `\nIn all: ${seconds(Date.now() - this.started).trim()}`,
    ];
    console.log(lines.join("\n"));
  }
}
