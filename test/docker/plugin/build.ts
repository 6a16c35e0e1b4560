/** Puts a docker plugin into a PULUMI_HOME, where the engine finds it. */
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { officialPlugin } from "../../support/officialPlugin";
import { VERSION } from "./version";

function placeIn(pulumiHome: string): string {
  const directory = join(pulumiHome, "plugins", `resource-docker-v${VERSION}`);
  mkdirSync(directory, { recursive: true });
  return join(directory, "pulumi-resource-docker");
}

/** The official one where it is installed, else the double. */
export function installDockerPlugin(pulumiHome: string): void {
  const official = officialPlugin("docker", VERSION);
  if (official === undefined) installDouble(pulumiHome);
  else copyFileSync(official, placeIn(pulumiHome));
}

export function installDouble(pulumiHome: string): void {
  const outfile = placeIn(pulumiHome);
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
