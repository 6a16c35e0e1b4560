/** Builds the stand-in for the command plugin: a bundle, V8's machine code of it, and an executable that runs both. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { BUNDLE, CODE_CACHE, EXECUTABLE, REMOTE_BUNDLE, WRITE_CODE_CACHE } from "./files";

/** The kernel cuts a longer first line off. */
const MAX_INTERPRETER_LENGTH = 120;

/** Returns the path of the executable. An older one in its place is replaced, also while it runs. */
export function buildCommandPlugin(outDir: string): string {
  mkdirSync(outDir, { recursive: true });
  rmSync(join(outDir, CODE_CACHE), { force: true });
  // Without one of its own, the files' dialect would depend on whose directory this is in.
  replace(join(outDir, "package.json"), '{ "type": "commonjs" }\n');
  replace(join(outDir, BUNDLE), bundle("main.ts"));
  replace(join(outDir, REMOTE_BUNDLE), bundle(join("remote", "index.ts")));
  const executable = join(outDir, EXECUTABLE);
  replace(executable, `${launcher(process.execPath)}\n${bundle("launch.ts")}`);
  execFileSync(executable, [WRITE_CODE_CACHE], { stdio: ["ignore", "ignore", "inherit"] });
  return executable;
}

function bundle(entry: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, entry)],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    // The second bundle, and what ssh2 would like to have compiled: it does without.
    external: ["./remote", "cpu-features", "*.node"],
    // Code that V8 runs from a cache cannot import, but it can require.
    supported: { "dynamic-import": false },
    logLevel: "warning",
    write: false,
  });
  return outputFiles[0]!.text;
}

function replace(path: string, contents: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  chmodSync(temporary, 0o755);
  renameSync(temporary, path);
}

/** It is run by the Node that built it: the one on PATH may be too old, or none. */
function launcher(node: string): string {
  if (node.length <= MAX_INTERPRETER_LENGTH && !/\s/.test(node)) return `#!${node}`;
  // To the shell a script that ends in its second line; to Node, that line is a string and a comment.
  return `#!/bin/sh\n':' //; exec '${node.replaceAll("'", "'\\''")}' "$0" "$@"`;
}
