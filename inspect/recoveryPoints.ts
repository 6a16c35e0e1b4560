/** The recovery points that are there. */
import { join } from "node:path";
import { entries, readJson } from "./files";
import type { PointFacts } from "../model/recovery";

export const MANIFEST_FILE = "manifest.json";

export const numberOfPoint = (id: string): number => Number(/^(\d+)-/.exec(id)?.[1] ?? 0);

/** All that are whole, newest first; none where this user must not look. */
export function recoveryPointsIn<T extends PointFacts = PointFacts>(directory: string): T[] {
  return readable(directory)
    .sort((one, other) => numberOfPoint(other) - numberOfPoint(one))
    .flatMap((id) => readJson<T>(join(directory, id, MANIFEST_FILE)) ?? []);
}

function readable(directory: string): string[] {
  try {
    return entries(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return [];
    throw error;
  }
}
