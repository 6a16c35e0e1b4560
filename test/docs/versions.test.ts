/** The versions of OpenClaw: one table, model/versions.ts, with which everything agrees that names one. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { NODE_VERSION } from "../../model/pins";
import { NEWEST_VERSION, OLDEST_VERSION, TESTED_VERSIONS } from "../../model/versions";
import { expectCurrent, table } from "./page";
import { PROJECT, read } from "./sources";

const HEADING = "## Versions of OpenClaw";

it("docs/configuration.md has the current table of OpenClaw versions", async () => {
  const page = read("docs/configuration.md");
  expect(page.split(HEADING)).toHaveLength(2);
  const rows = TESTED_VERSIONS.map(({ version, tested }) => [version, tested, NODE_VERSION]);
  const current = table(["OpenClaw", "tested with", "Node.js on hosts"], rows);
  // The first table behind the heading.
  const start = page.indexOf("\n|", page.indexOf(HEADING)) + 1;
  const end = page.indexOf("\n\n", start);
  await expectCurrent("docs/configuration.md", page.slice(0, start) + current + page.slice(end));
});

it("exactly the supported versions have a package lock and a schema", () => {
  const versionsIn = (folder: string, ending: string) =>
    readdirSync(join(PROJECT, folder)).map((name) => name.replace(/^openclaw-/, "").replace(ending, ""));
  const versions = TESTED_VERSIONS.map(({ version }) => version).sort();
  expect(versionsIn("locks", ".lock").sort()).toEqual(versions);
  expect(versionsIn("schemas", ".schema").sort()).toEqual(versions);
});

it.each<[string, string]>([
  ["Pulumi.yaml", `    default: ${NEWEST_VERSION}\n`],
  ["README.md", `version: "${NEWEST_VERSION}"`],
  ["components/arguments.ts", `from the npm registry, ${OLDEST_VERSION} or newer`],
  ["components/targets/hostArguments.ts", `(${NEWEST_VERSION} is)`],
  ["docs/security.md", `The lock of ${NEWEST_VERSION}\n`],
])("%s names the current OpenClaw version", (file, text) => expect(read(file)).toContain(text));
