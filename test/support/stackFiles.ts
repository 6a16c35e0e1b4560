/** What `pulumi stack init` and `pulumi config set` write, without a run of Pulumi (0.15 to 0.3 s of a processor) for each. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseDocument } from "yaml";
import { pulumiEnvironment } from "../../toolchain/environment";
import { PROJECT } from "../../toolchain/project";

/** Of an empty stack, by their path below its directory: its state, its passphrase, its config file with the salt. */
type Files = ReadonlyMap<string, Buffer>;

const templates = new Map<string, Promise<Files>>();

/**
 * Puts an empty stack below a directory. Those of one name in one test process share a passphrase, or the key of the service
 * that `secrets` names.
 */
export async function placeEmptyStack(
  name: string,
  directory: string,
  secrets?: { readonly provider: string; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const key = `${name} ${secrets?.provider}`;
  if (!templates.has(key)) templates.set(key, makeTemplate(name, secrets));
  for (const [path, content] of await templates.get(key)!) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content, { mode: 0o600 });
  }
}

async function makeTemplate(name: string, secrets: Parameters<typeof placeEmptyStack>[2]): Promise<Files> {
  const directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-empty-"));
  try {
    const cwd = join(directory, "project");
    mkdirSync(cwd);
    cpSync(join(PROJECT, "Pulumi.yaml"), join(cwd, "Pulumi.yaml"));
    const env = { ...(await pulumiEnvironment({ isolatedIn: directory })), ...secrets?.env };
    const provider = secrets ? ["--secrets-provider", secrets.provider] : [];
    await promisify(execFile)("pulumi", ["stack", "init", "--stack", name, "--non-interactive", ...provider], {
      cwd,
      env,
    });
    const paths = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter(
      (path) => /^(state\/|passphrase$|project\/Pulumi\.)/.test(path) && path !== "project/Pulumi.yaml",
    );
    const files = paths.filter((path) => statSync(join(directory, path)).isFile());
    return new Map(files.map((path) => [path, readFileSync(join(directory, path))]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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
