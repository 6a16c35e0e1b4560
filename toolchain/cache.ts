/** The user's cache of built tools, shared between clones of this repository. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Fills a directory once: it appears complete, by one rename, or not at all. Two processes that fill the same one at the
 * same time both succeed, and the second uses what the first has put there.
 */
export async function fillOnce(directory: string, fill: (temporary: string) => Promise<void> | void): Promise<void> {
  if (existsSync(directory)) return;
  mkdirSync(dirname(directory), { recursive: true });
  const temporary = mkdtempSync(join(dirname(directory), `.${basename(directory)}-`));
  const remove = (): void => rmSync(temporary, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    await fill(temporary);
    renameSync(temporary, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}
