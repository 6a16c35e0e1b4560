/** Bundles what runs as it is: the host program, the library and the command. npm's `prepare` script runs this. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { build as bundle, buildSync, type BuildOptions, type BuildResult, type Plugin } from "esbuild";

const root = join(__dirname, "..");
const common: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "cjs",
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: root,
};

/** What runs on the deployer beside the library. */
export const deployerBundle = (entry: string) => ({
  ...common,
  metafile: true as const,
  entryPoints: [join(root, entry)],
  target: "node20",
  minifySyntax: true,
  minifyWhitespace: true,
  // Native modules that ssh2 can use: it works without them.
  external: ["cpu-features", "*.node"],
});

/** Constants of a module by name, and what they are to be instead. */
export type Values = Readonly<Record<string, unknown>>;

/** Puts other values in the place of some of a module's constants, for tests: what is shipped is made without it. */
export const withValues = (module: string, values: Values): Plugin => ({
  name: module,
  setup: (bundling) =>
    bundling.onLoad({ filter: new RegExp(`/${module.replace(".", "\\.")}$`) }, ({ path }) => ({
      contents: Object.entries(values).reduce(withValue, readFileSync(path, "utf8")),
      loader: "ts",
    })),
});

function withValue(source: string, [name, value]: [string, unknown]): string {
  const constant = new RegExp(`^export const ${name} = [^;]+;`, "m");
  if (!constant.test(source)) throw new Error(`there is no constant ${name}`);
  return source.replace(constant, () => `export const ${name} = ${JSON.stringify(value)};`);
}

/** The host program as one file. What is shipped is built without an argument. */
export const bundleHost = (changed?: Values): Promise<BuildResult<{ metafile: true; write: false }>> =>
  bundle({
    ...common,
    metafile: true,
    entryPoints: [join(root, "host", "main.ts")],
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    plugins: changed ? [withValues("host/limits.ts", changed)] : [],
  });

/** Writes the bundles of dist/ and the licences of the packages inside. */
export async function buildBundles(): Promise<void> {
  const host = await bundleHost();
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(join(root, "dist", "host.cjs.br"), brotliCompressSync(host.outputFiles[0]!.contents));
  // Compiling the library's sources on each preview would take longer than everything else that it does.
  const components = buildSync({
    ...common,
    metafile: true,
    stdin: {
      contents: 'export * from "./components"; export * from "./components/stackConfig";',
      resolveDir: root,
      loader: "ts",
    },
    outfile: join(root, "dist", "components.cjs"),
    target: "node20",
    external: ["@pulumi/*"],
  });
  const [ssh, deployer] = [
    ["ssh/ask.ts", "ssh.cjs"],
    ["deployer/main.ts", "deployer.cjs"],
  ].map(([entry, name]) => buildSync({ ...deployerBundle(entry!), outfile: join(root, "dist", name!) }));
  const cli = join(root, "dist", "cli.cjs");
  const check = buildSync({
    ...common,
    metafile: true,
    entryPoints: [join(root, "cli", "main.ts")],
    outfile: cli,
    target: "node20",
    external: ["@pulumi/*"],
    banner: { js: "#!/usr/bin/env node" },
  });
  chmodSync(cli, 0o755);
  writeFileSync(
    join(root, "dist", "LICENSES.txt"),
    licencesOf([host, components, ssh!, deployer!, check].flatMap(({ metafile }) => Object.keys(metafile.inputs))),
  );
}

/** Licences of the packages that bundled files come from: whoever passes on a copy must pass on its licence. */
function licencesOf(files: readonly string[]): string {
  const packages = files.flatMap((file) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(packages)]
    .sort()
    .map((name) => {
      const directory = join(root, name);
      const licence = readdirSync(directory).find((file) => /^licen[cs]e/i.test(file));
      const title = name.replace(/.*node_modules\//, "");
      if (licence !== undefined) return `${title}\n\n${readFileSync(join(directory, licence), "utf8")}`;
      // Some have no licence file, and state it only in their package.json.
      const about = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Record<string, unknown>;
      if (typeof about.license !== "string") throw new Error(`${name} is bundled but has no licence`);
      return `${title}\n\n${about.license} licence; author: ${JSON.stringify(about.author)}\n`;
    })
    .join("\n\n");
}

if (require.main === module) void buildBundles();
