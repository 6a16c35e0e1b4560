/** SQLite's files, as far as their header tells. */
import { closeSync, readSync } from "node:fs";
import { openToRead } from "./files";

const SQLITE_MAGIC = Buffer.from("SQLite format 3\0");
/** Of the schema version in the header. Source: SQLite's file format, 1.3. */
const USER_VERSION_AT = 60;

/** Schema version of a database, by its header; `undefined`: it is none. What is not yet in the file itself does not count. */
export function schemaVersion(path: string): number | undefined {
  const file = openToRead(path);
  try {
    const header = Buffer.alloc(USER_VERSION_AT + 4);
    if (readSync(file, header, 0, header.length, 0) < header.length) return undefined;
    return header.subarray(0, SQLITE_MAGIC.length).equals(SQLITE_MAGIC)
      ? header.readInt32BE(USER_VERSION_AT)
      : undefined;
  } finally {
    closeSync(file);
  }
}
