/** Bundles what runs as it is: the host program, and the library for the root stack. npm's `prepare` script runs this. */
import { join } from "node:path";
import { buildSync, type BuildOptions } from "esbuild";

const root = join(__dirname, "..");
const common: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "cjs",
  legalComments: "none",
  logLevel: "warning",
};

/** Writes dist/host.cjs and dist/components.cjs. */
export function build(): void {
  buildSync({
    ...common,
    entryPoints: [join(root, "host", "main.ts")],
    outfile: join(root, "dist", "host.cjs"),
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
  });
  // Compiling the library's sources at each preview would take longer than everything else that it does.
  buildSync({
    ...common,
    stdin: {
      contents: 'export * from "./components"; export * from "./components/stackConfig";',
      resolveDir: root,
      loader: "ts",
    },
    outfile: join(root, "dist", "components.cjs"),
    target: "node20",
    packages: "external",
  });
}

if (require.main === module) build();
