/** The user's cache: archives and built tools. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join, isAbsolute } from "node:path";

export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const xdg = env["XDG_CACHE_HOME"];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "pulumi-openclaw");
}

/** A short name for exactly this content. */
export function fingerprint(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 12);
}
