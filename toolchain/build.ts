/** Bundles what runs as it is: the host program, and the library for the root stack. npm's `prepare` script runs this. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { buildSync, type BuildOptions } from "esbuild";

const root = join(__dirname, "..");
const common: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "cjs",
  legalComments: "none",
  logLevel: "warning",
};

/** Writes dist/host.cjs.br and dist/components.cjs. */
export function build(): void {
  const { outputFiles } = buildSync({
    ...common,
    entryPoints: [join(root, "host", "main.ts")],
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
  });
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(join(root, "dist", "host.cjs.br"), brotliCompressSync(outputFiles[0]!.contents));
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
    external: ["@pulumi/*"],
  });
}

if (require.main === module) build();
