/** Removes everything of a lab from this machine, whatever state it is in. */
import { existsSync } from "node:fs";
import { killGroup, removeGroup } from "./cgroups";
import { remove } from "./commands";
import { unmountBelow } from "./disk";
import { removeNspawnFiles } from "./machine";
import { RUN_DIRECTORY } from "./names";
import { removeNetwork } from "./network";

/** Only for whoever holds the lock. */
export async function sweep(): Promise<void> {
  await killGroup();
  if (existsSync(RUN_DIRECTORY)) unmountBelow(RUN_DIRECTORY);
  removeNetwork();
  await removeGroup();
  removeNspawnFiles();
  remove(RUN_DIRECTORY);
}
