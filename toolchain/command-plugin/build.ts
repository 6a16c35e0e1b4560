/** Bundles the stand-in for the command plugin into one executable file. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";

/** The kernel cuts a longer first line off. */
const MAX_INTERPRETER_LENGTH = 120;

/** Returns the path of the executable. An older one in its place is replaced at once, also while it runs. */
export function buildCommandPlugin(outDir: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, "main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    logLevel: "warning",
    write: false,
    banner: { js: launcher(process.execPath) },
  });
  mkdirSync(outDir, { recursive: true });
  // Without one of its own, the file's dialect would depend on whose directory this is in.
  writeFileSync(join(outDir, "package.json"), '{ "type": "commonjs" }\n');
  const path = join(outDir, "pulumi-resource-command");
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, outputFiles[0]!.contents);
  chmodSync(temporary, 0o755);
  renameSync(temporary, path);
  return path;
}

/** It is run by the Node that built it: the one on PATH may be too old, or none. */
function launcher(node: string): string {
  if (node.length <= MAX_INTERPRETER_LENGTH && !/\s/.test(node)) return `#!${node}`;
  // To the shell a script that ends in its second line; to Node, that line is a string and a comment.
  return `#!/bin/sh\n':' //; exec '${node.replaceAll("'", "'\\''")}' "$0" "$@"`;
}
