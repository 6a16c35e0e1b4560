/** Programs on a PATH. */
import { delimiter, join } from "node:path";
import { accessSync, constants as modes, statSync } from "fs";

/** The executable that a shell would find on this PATH. */
export function which(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, name))
    .find(isExecutable);
}
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, modes.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
