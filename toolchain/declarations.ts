/**
 * The package's types in one file, dist/index.d.ts, and the report of its public API. npm's `prepack` script runs this:
 * it takes seconds, which `prepare` would cost everybody. `npm run api` updates the report.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ConsoleMessageId, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import * as ts from "typescript";
import { messageOf } from "../model/failure";
import { PROJECT } from "./project";

/** The public API as it was last agreed on. */
const REPORT = "etc/pulumi-openclaw.api.md";

/**
 * Writes dist/index.d.ts. `update` writes the report as well; without it, any difference from the report is an error.
 */
export function writeDeclarations({ update }: { readonly update: boolean }): void {
  const dist = join(PROJECT, "dist");
  mkdirSync(dist, { recursive: true });
  // Inside the project, from where @pulumi/pulumi is found.
  const directory = mkdtempSync(join(dist, "declarations-"));
  try {
    emitDeclarations(directory);
    rollUp(join(directory, "components", "index.d.ts"), update);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function emitDeclarations(directory: string): void {
  const { config } = ts.readConfigFile(join(PROJECT, "tsconfig.json"), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.parseJsonConfigFileContent(
    {
      files: ["components/index.ts"],
      compilerOptions: {
        ...config.compilerOptions,
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        stripInternal: true,
        outDir: directory,
        rootDir: ".",
      },
    },
    ts.sys,
    PROJECT,
  );
  const program = ts.createProgram([join(PROJECT, "components", "index.ts")], options);
  const { diagnostics } = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (errors.length) throw new Error(ts.formatDiagnostics(errors, formatHost));
}

const formatHost: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => PROJECT,
  getCanonicalFileName: (name) => name,
  getNewLine: () => "\n",
};

/** One file of what the public names need, and the report of them. */
function rollUp(entryPoint: string, update: boolean): void {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(PROJECT, "package.json"),
    configObject: {
      projectFolder: PROJECT,
      mainEntryPointFilePath: entryPoint,
      newlineKind: "lf",
      compiler: { overrideTsconfig: { compilerOptions: { skipLibCheck: true, types: ["node"] } } },
      apiReport: {
        enabled: true,
        reportFolder: dirname(join(PROJECT, REPORT)),
        reportFileName: basename(REPORT),
        reportTempFolder: dirname(entryPoint),
        includeForgottenExports: true,
      },
      dtsRollup: { enabled: true, untrimmedFilePath: join(PROJECT, "dist", "index.d.ts") },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: {
          // The types that arguments are made of are in the report, but have no name that a program could import.
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.None },
          // No tag: public. What is not is marked @internal, and not emitted.
          "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
        },
      },
    },
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: update,
    printApiReportDiff: true,
    messageCallback: (message) => {
      // Its advice names a temporary file; ours is below.
      message.handled =
        message.messageId === String(ConsoleMessageId.ApiReportNotCopied) ||
        message.logLevel === ExtractorLogLevel.Info;
    },
  });
  if (apiReportChanged && !update)
    throw new Error(
      `the public API differs from ${REPORT}. If that is intended, run \`npm run api\` and review the change (CONTRIBUTING.md)`,
    );
  if (!succeeded) throw new Error("the public types cannot be written: see above");
}

if (require.main === module) {
  try {
    writeDeclarations({ update: process.argv.includes("--update") });
  } catch (error) {
    console.error(`error: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
