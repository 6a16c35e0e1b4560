/** Bundles the host program into one file. npm's `prepare` script runs this. */
import { join } from "node:path";
import { buildSync } from "esbuild";

const root = join(__dirname, "..");

/** Writes dist/host.cjs; returns its path. */
export function buildHostProgram(): string {
  const outfile = join(root, "dist", "host.cjs");
  buildSync({
    entryPoints: [join(root, "host", "main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return outfile;
}

if (require.main === module) buildHostProgram();
