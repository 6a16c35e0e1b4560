/** Whether an installed release is whole. */
import { join } from "node:path";
import { readJson } from "./files";
import { Failure } from "../model/failure";
import { neededPackages, packageName } from "../model/packageLock";

/** Refuses an incomplete release. `arch`: of the host, as Node.js names it. */
export function requireComplete(directory: string, version: string, packages: string, arch: string): void {
  const missing = [...neededPackages(packages, arch)].filter(
    ([path, locked]) =>
      readJson<{ version?: string }>(join(directory, path, "package.json"))?.version !== locked.version,
  );
  if (missing.length)
    throw new Failure(
      `npm left out packages of openclaw@${version}: ${missing.map(([path]) => packageName(path)).join(", ")}`,
      "use another registry: this one does not have them, or serves others than this stack has locked",
    );
}
