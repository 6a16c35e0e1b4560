/** What `pulumi stack init` and `pulumi config set` write, without a run of Pulumi (0.15 to 0.3 s of a processor) for each. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { pulumiEnvironment } from "../../toolchain/environment";
import { PROJECT } from "../../toolchain/project";

/** An empty stack's files below its directory: its state, and the passphrase with the salt of its config file. */
const OF_A_STACK = ["state", "passphrase", "project"];

const templates = new Map<string, Promise<string>>();
process.once("exit", () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});
const made: string[] = [];

/** Puts an empty stack below a directory. Those of one name in one test process share a passphrase. */
export async function placeEmptyStack(name: string, directory: string): Promise<void> {
  if (!templates.has(name)) templates.set(name, makeTemplate(name));
  const template = await templates.get(name)!;
  for (const part of OF_A_STACK)
    if (existsSync(join(template, part))) cpSync(join(template, part), join(directory, part), { recursive: true });
}

async function makeTemplate(name: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-empty-"));
  made.push(directory);
  const cwd = join(directory, "project");
  mkdirSync(cwd);
  cpSync(join(PROJECT, "Pulumi.yaml"), join(cwd, "Pulumi.yaml"));
  const env = await pulumiEnvironment({ isolatedIn: directory });
  execFileSync("pulumi", ["stack", "init", "--stack", name, "--non-interactive"], { cwd, env, stdio: "pipe" });
  rmSync(join(cwd, "Pulumi.yaml"));
  return directory;
}

/** Sets values in a stack's config file, as `pulumi config set --path` does. */
export function setConfig(file: string, project: string, settings: Readonly<Record<string, string>>): void {
  const document = parseDocument(readFileSync(file, "utf8"));
  for (const [path, value] of Object.entries(settings)) {
    const [key, ...rest] = path.split(/[.[\]]+/).filter(Boolean);
    document.setIn(["config", `${project}:${key}`, ...rest.map(numberIn)], typed(value));
  }
  writeFileSync(file, document.toString());
}

const numberIn = (segment: string): string | number => (/^\d+$/.test(segment) ? Number(segment) : segment);

/** Pulumi's own rule. */
const typed = (value: string): string | number | boolean =>
  /^(true|false)$/.test(value) ? value === "true" : /^(0|-?[1-9]\d*)$/.test(value) ? Number(value) : value;
