/** Databases in tests, which the test runner's own Node.js cannot open. */
import { execFileSync } from "node:child_process";
import { seedNode } from "./seed";

/** Rows of a query; none of any other statement. */
export function sqlite(path: string, sql: string): Record<string, unknown>[] {
  const script =
    'const { DatabaseSync } = require("node:sqlite"); const [, path, sql] = process.argv;' +
    "const database = new DatabaseSync(path); console.log(JSON.stringify(database.prepare(sql).all()));";
  return JSON.parse(execFileSync(seedNode, ["--no-warnings", "-e", script, path, sql], { encoding: "utf8" })) as never;
}
