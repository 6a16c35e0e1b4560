/**
 * Says at the end of a run where its time went, the levels and the ten slowest rows, and last of all what failed: often
 * nothing but the end of a log is kept.
 */
import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

const SLOWEST = 10;
const MESSAGE_LENGTH = 300;

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
    const failed = modules.flatMap(failures);
    if (failed.length) console.log(["\nFailed:", ...failed].join("\n"));
  }
}

/** A module's red rows, and what was wrong outside of them, each with the beginning of what was said. */
function failures(module: TestModule): string[] {
  const inRows = [...module.children.allTests()].flatMap((test) => {
    const { errors = [] } = test.result();
    return test.result().state === "failed" ? [`  ${levelOf(module)}: ${test.fullName}: ${said(errors)}`] : [];
  });
  const suites = [...module.children.allSuites()].flatMap((suite) => suite.errors());
  const outside = [...module.errors(), ...suites];
  return [...inRows, ...(outside.length ? [`  ${module.moduleId}: ${said(outside)}`] : [])];
}

const said = (errors: readonly { readonly message: string }[]): string =>
  errors.map(({ message }) => message.slice(0, MESSAGE_LENGTH).replace(/\s+/g, " ")).join(" | ");
