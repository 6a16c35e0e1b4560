/** Pulumi's official plugins, where they are installed. */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/**
 * Path of an official plugin: named by a variable, in Pulumi's home or on PATH. What is found in these places may also be
 * a stand-in, which is a script.
 */
export function officialPlugin(name: string, version: string): string | undefined {
  const given = process.env[`PULUMI_${name.toUpperCase()}_PLUGIN`];
  if (given) return given;
  const { PULUMI_HOME: home = join(homedir(), ".pulumi"), PATH = "" } = process.env;
  const executable = `pulumi-resource-${name}`;
  const installed = join(home, "plugins", `resource-${name}-v${version}`, executable);
  const onPath = PATH.split(delimiter).map((directory) => join(directory, executable));
  return [installed, ...onPath].find((path) => existsSync(path) && !isScript(path));
}

function isScript(path: string): boolean {
  const start = Buffer.alloc(2);
  const file = openSync(path, "r");
  readSync(file, start);
  closeSync(file);
  return start.toString() === "#!";
}
