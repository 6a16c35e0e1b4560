/** Builds the double of the docker plugin into a PULUMI_HOME, where the engine finds it. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { VERSION } from "./version";

export function installDockerPlugin(pulumiHome: string): void {
  const directory = join(pulumiHome, "plugins", `resource-docker-v${VERSION}`);
  const outfile = join(directory, "pulumi-resource-docker");
  mkdirSync(directory, { recursive: true });
  buildSync({
    entryPoints: [join(__dirname, "main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    banner: { js: `#!${process.execPath}` },
    // What ssh2, within dockerode, would like to have compiled: it does without.
    external: ["cpu-features", "*.node"],
    logLevel: "warning",
  });
  chmodSync(outfile, 0o755);
}
