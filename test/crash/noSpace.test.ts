import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { everyPoint } from "./everyPoint";
import { REST, TRANSACTION } from "./scenarios";

everyPoint("ENOSPC", REST, 24333);
everyPoint("full", TRANSACTION, 24333);

/** So a transaction in which one call finds no room goes as one in which it fails as on a broken disk (brokenDiskWork). */
it("a failure's words alone depend on whether it was for want of room", () => {
  const host = join(__dirname, "../../host");
  const files = readdirSync(host, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const asking = files.filter((name) => /ENOSPC|EDQUOT|SQLITE_FULL/.test(readFileSync(join(host, name), "utf8")));
  expect(asking).toEqual(["systemError.ts"]);
});
