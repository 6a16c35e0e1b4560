import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT } from "../support/engine";
import { everyPoint } from "./everyPoint";
import { REST, TRANSACTION } from "./scenarios";

everyPoint("ENOSPC", REST, 24333);
everyPoint("full", TRANSACTION, 24333);

/** So a transaction in which one call finds no room goes as one in which it fails as on a broken disk (brokenDiskWork). */
it("a full disk changes only the wording of a failure", () => {
  const files = ["host", "inspect", "model"].flatMap((room) =>
    readdirSync(join(PROJECT, room), { recursive: true, encoding: "utf8" }).map((name) => join(room, name)),
  );
  const asking = files
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => /ENOSPC|EDQUOT|SQLITE_FULL/.test(readFileSync(join(PROJECT, name), "utf8")));
  expect(asking).toEqual(["host/systemError.ts"]);
});
