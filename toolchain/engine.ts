/**
 * The Pulumi engine: the one on this machine if it is new enough, else one built with Go from its published modules
 * (toolchain/go), for machines that cannot download Pulumi's own binaries.
 */
import { chmodSync, copyFileSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { coerce, gte } from "semver";
import { Failure, messageOf } from "../model/failure";
import { fillOnce } from "./cache";
import { fingerprint, cacheDirectory } from "../model/cache";
import { runToEnd } from "./processes";
import { isExecutable } from "../inspect/which";
import { which } from "../inspect/which";
import { MODULES, PROJECT, pulumiHome } from "./project";
import { step } from "./steps";

const LANGUAGE_HOST = "pulumi-language-nodejs";
/** Runs dynamic providers; part of Pulumi's own installation and of its npm package. */
const DYNAMIC_PROVIDER = "pulumi-resource-pulumi-nodejs";
const NPM_PACKAGE = join(MODULES, "@pulumi", "pulumi");

const SOURCES = join(PROJECT, "toolchain", "go");
const OLDEST_GO = "1.25.11";

interface Binary {
  readonly name: string;
  readonly package: string;
  readonly sources: string;
  readonly ldflags: string;
  readonly about: string;
}

/** The engine version that is built, and the oldest installed one that is accepted. */
export function engineVersion(): string {
  const version = /pulumi\/pkg\/v3 v(\S+)/.exec(readFileSync(join(SOURCES, "pulumi", "go.mod"), "utf8"))?.[1];
  if (version === undefined) throw new Error("toolchain/go/pulumi/go.mod names no version of pulumi/pkg/v3");
  return version;
}

const binaries = (version: string): readonly Binary[] => [
  {
    name: LANGUAGE_HOST,
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    sources: join(SOURCES, "language-nodejs"),
    ldflags: "-s -w",
    about: "about half a minute, once",
  },
  {
    name: "pulumi",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    sources: join(SOURCES, "pulumi"),
    // Without -X the engine has no version, and Pulumi's Automation API refuses it.
    ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
    about: "about 4 minutes, once",
  },
];

/** A PATH on which the engine, its Node.js language host and its dynamic-provider script are found. */
export async function enginePath(env: NodeJS.ProcessEnv): Promise<string> {
  const version = engineVersion();
  const path = env["PATH"] ?? "";
  // Pulumi's installer changes PATH for the next shell only: look where it puts things, too.
  const installed = [path, join(pulumiHome(env), "bin")].join(delimiter);
  const problem = await problemOfInstalled(installed, version, env);
  // At the end: an installed engine brings the script itself, and warns when it finds another one first.
  if (problem === undefined) return [installed, NPM_PACKAGE].join(delimiter);

  const directory = join(cacheDirectory(env), `engine-${version}-${buildFingerprint(version)}`);
  try {
    await fillOnce(directory, (temporary) => buildEngine(version, join(temporary, "bin"), env));
  } catch (error) {
    throw new Failure(
      `There is no Pulumi engine here (${version} or newer is needed):\n` +
        `  installed: ${problem}\n` +
        `  built with Go: ${messageOf(error).replaceAll("\n", "\n    ")}\n` +
        "Install Pulumi with its own command, then run the same make command again:\n" +
        "  curl -fsSL https://get.pulumi.com | sh",
    );
  }
  return [join(directory, "bin"), path].join(delimiter);
}

async function problemOfInstalled(path: string, oldest: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const pulumi = which("pulumi", path);
  if (pulumi === undefined) return "no `pulumi` on PATH or where its installer puts it";
  const { stdout, stderr } = await runToEnd(pulumi, ["version"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutSeconds: 20,
  });
  if (!coerce(stdout)) return `${pulumi} does not report its version: ${stderr || stdout || "no output"}`;
  if (!isAtLeast(stdout, oldest)) return `${pulumi} is ${stdout}, which is too old`;
  if (isExecutable(join(dirname(realpathSync(pulumi)), LANGUAGE_HOST)) || which(LANGUAGE_HOST, path) !== undefined)
    return undefined;
  return `${pulumi} has no ${LANGUAGE_HOST} beside it or on PATH`;
}

/** Everything that the built binaries depend on. */
function buildFingerprint(version: string): string {
  return fingerprint([
    `${process.platform} ${process.arch}`,
    ...binaries(version).flatMap(({ sources, ldflags }) => [
      readFileSync(join(sources, "go.mod")),
      readFileSync(join(sources, "go.sum")),
      ldflags,
    ]),
    readFileSync(join(NPM_PACKAGE, DYNAMIC_PROVIDER)),
  ]);
}

async function buildEngine(version: string, directory: string, caller: NodeJS.ProcessEnv): Promise<void> {
  // GOWORK: a workspace around this clone has nothing to do with these modules. CGO: nothing here needs C, and the
  // binaries do not depend on the machine's C library then.
  const env = { ...caller, GOWORK: "off", CGO_ENABLED: "0" };
  await requireGo(env);
  for (const binary of binaries(version))
    await step(
      `Building ${binary.name === "pulumi" ? `the Pulumi engine ${version}` : "Pulumi's Node.js language host"} with Go`,
      async () => {
        const output = join(directory, binary.name);
        const args = ["build", "-trimpath", "-ldflags", binary.ldflags, "-o", output, binary.package];
        const { code, stderr } = await runToEnd("go", args, { env, cwd: binary.sources });
        if (code !== 0) throw new Failure(lastLines(stderr));
      },
      binary.about,
    );
  // Beside the engine it is found without the warning that one elsewhere on PATH gets.
  copyFileSync(join(NPM_PACKAGE, DYNAMIC_PROVIDER), join(directory, DYNAMIC_PROVIDER));
  chmodSync(join(directory, DYNAMIC_PROVIDER), 0o755);
}

async function requireGo(env: NodeJS.ProcessEnv): Promise<void> {
  if (which("go", env["PATH"] ?? "") === undefined)
    throw new Failure(`no \`go\` on PATH (${OLDEST_GO} or newer is needed)`);
  // Asked inside the module: a Go that is too old fetches the toolchain that go.mod asks for, or says why it cannot.
  const { code, stdout, stderr } = await runToEnd("go", ["version"], { env, cwd: join(SOURCES, "pulumi") });
  const version = /go(\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1];
  if (code !== 0 || version === undefined) throw new Failure(lastLines(stderr) || "`go version` failed");
  if (!isAtLeast(version, OLDEST_GO)) throw new Failure(`Go is ${version}, but ${OLDEST_GO} or newer is needed`);
}

const lastLines = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading "))
    .slice(-5)
    .join("\n");

/** Whether a version is a given one or newer. What follows the three numbers (`-alpha.1`, `+dirty`) does not count. */
export function isAtLeast(version: string, oldest: string): boolean {
  const release = coerce(version);
  return release !== null && gte(release, oldest);
}
