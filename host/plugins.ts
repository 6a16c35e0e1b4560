/** Plugins that are installed with a release. */
import { existsSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { readJson } from "../inspect/files";
import { Failure } from "../model/failure";
import { lockedPlugins } from "../model/packageLock";

/** What a plugin says about itself. Source: OpenClaw's docs/plugins/manifest.md. */
const MODULES_NAME = "node_modules";
const MANIFEST = "openclaw.plugin.json";

/**
 * Puts the plugins of a release where OpenClaw has those of its own package. There it takes them as it takes its own: from
 * anywhere else, its own channels' plugins are refused: "only available for trusted plugins". Source: measured, 2026.9.6.
 */
export function placePlugins(release: string, packages: string): void {
  const modules = join(release, MODULES_NAME);
  for (const name of Object.keys(lockedPlugins(packages))) {
    const { id } = readJson<{ id?: unknown }>(join(modules, name, MANIFEST)) ?? {};
    if (typeof id !== "string" || !/^[a-z0-9][a-z0-9_-]*$/i.test(id))
      throw new Failure(`the package ${name} is no plugin of OpenClaw: it has no ${MANIFEST} with an id`, LEAVE_OUT);
    const place = join(modules, "openclaw", "dist", "extensions", id);
    if (existsSync(place)) throw new Failure(`the plugin ${id} of ${name} is there already`, LEAVE_OUT);
    mkdirSync(dirname(place), { recursive: true });
    renameSync(join(modules, name), place);
    if (existsSync(join(place, MODULES_NAME))) keepOutside(join(modules, name), place);
  }
}

/** What a plugin brings along stays where it was: below its dist/ OpenClaw takes every file for an ECMAScript module. */
function keepOutside(former: string, place: string): void {
  mkdirSync(former);
  renameSync(join(place, MODULES_NAME), join(former, MODULES_NAME));
  symlinkSync(relative(place, join(former, MODULES_NAME)), join(place, MODULES_NAME));
}

const LEAVE_OUT = "remove it from `plugins`; nothing was changed";
