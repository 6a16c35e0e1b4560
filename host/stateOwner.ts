/** Writes down whose a state directory is. */
import * as fs from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { lstat } from "../inspect/files";
import type { StateOwner } from "../inspect/stateOwner";
import { STATE_OWNER_FILE } from "../model/hostLayout";
import { writeJson } from "./files";

export function writeStateOwner(stateDir: string, mark: StateOwner): void {
  const path = join(stateDir, STATE_OWNER_FILE);
  // A directory in its place would stay. It is moved, not removed: the agent could swap the paths below it meanwhile.
  if (lstat(path)?.isDirectory()) fs.renameSync(path, `${path}.${randomBytes(6).toString("hex")}.moved`);
  writeJson(path, mark);
}
