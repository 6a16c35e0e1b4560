/** The mark in a state directory that names its owner. */
import * as fs from "node:fs";
import { openToRead } from "./files";
import type { Owner } from "../model/spec";

/** What a state directory says about its owner. */
export interface StateOwner {
  readonly owner: Owner;
  /** Set by destroy: the data is kept, the gateway is gone. */
  readonly released: boolean;
}

/** The mark of a state directory. It lies where the gateway's agent can write, so nothing about it is trusted. */
export function readStateOwner(path: string): StateOwner | undefined {
  try {
    const file = openToRead(path);
    try {
      return fs.fstatSync(file).isFile() ? (JSON.parse(fs.readFileSync(file, "utf8")) as StateOwner) : undefined;
    } finally {
      fs.closeSync(file);
    }
  } catch {
    return undefined;
  }
}
