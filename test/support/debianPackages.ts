/** Debian packages that some tests need and that a bare machine lacks. */
import { spawnSync } from "node:child_process";

/** For whoever else uses apt. Those who come from here wait for each other, as apt's other locks know no patience. */
const PATIENCE_SECONDS = 300;
const DPKG = "/var/lib/dpkg";

/** Installs what is missing. Throws why it cannot: not root, not Debian, no mirror. */
export function ensurePackages(names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (!missing.length) return;
  if (process.getuid!() !== 0)
    throw new Error(`missing Debian packages, and only root can install them: ${missing.join(" ")}`);
  const flags = ["-y", "-qq", "--no-install-recommends", "-o", `DPkg::Lock::Timeout=${PATIENCE_SECONDS}`];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  let reason = "";
  for (const command of [
    ["install", ...flags, ...missing],
    ["update", "-qq"],
    ["install", ...flags, ...missing],
  ]) {
    const { status, stderr, error } = spawnSync("flock", [DPKG, "apt-get", ...command], { env, encoding: "utf8" });
    if (command[0] === "install" && status === 0) return;
    reason = error?.message ?? stderr;
  }
  throw new Error(`cannot install the Debian packages ${missing.join(" ")}: ${reason}`);
}

function isInstalled(name: string): boolean {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${Status}", name], { encoding: "utf8" });
  return stdout === "install ok installed";
}
