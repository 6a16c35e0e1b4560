import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { envFile } from "../../deployer/docker/volumes";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "env-file-"))));
afterAll(() => rmSync(directory, { recursive: true }));

/** What node itself makes of a file of variables: one node for all of them. */
function readByNode(variables: readonly (readonly [string, string])[]): [string, string | undefined][] {
  const path = join(directory, "env");
  writeFileSync(path, envFile(variables));
  const names = variables.map(([name]) => name);
  const script = `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => [name, process.env[name]])))`;
  const said = execFileSync(process.execPath, [`--env-file=${path}`, "-e", script], { env: {}, encoding: "utf8" });
  return JSON.parse(said) as [string, string | undefined][];
}

const QUOTES = ["'", "`", '"'];
const isWritable = (value: string): boolean =>
  !value.includes("\r") && QUOTES.some((quote) => !value.includes(quote) && (quote !== '"' || !value.includes("\\n")));

/** No variable can hold a NUL; the rest is often what a parser stumbles over. */
const value = fc
  .array(
    fc.oneof(
      fc.constantFrom(...QUOTES, "\n", "\\", "\\n", "#", "=", "$", "${HOME}", " ", "\t", "export "),
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join("").replaceAll("\0", ""))
  .filter(isWritable);

it("Node.js reads every variable from the file as it was given", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 100, maxLength: 100 }), (values) => {
      const variables = values.map((each, n) => [`VALUE_${n}`, each] as const);
      expect(readByNode(variables)).toEqual(variables);
    }),
    { numRuns: 15, endOnFailure: true },
  );
});

it.each(["", " ", "sk-…", 'a "b" c', "it's", "`id`", "line\nline", "\\n'", "#"])(
  "Node.js reads the value %j as it was given",
  (each) => {
    const variables: [string, string][] = [
      ["ONE", each],
      ["TWO", "2"],
    ];
    expect(readByNode(variables)).toEqual(variables);
  },
);

it.each([`'"\``, "'`\\n", "line\r\nline"])(
  "the value %j cannot be written, and is refused without being shown",
  (each) => {
    const write = (): string => envFile([["KEY", `canary${each}`]]);
    expect(write).toThrow(/^the variable KEY cannot be passed to a gateway in a container: .*\n +-> encode it/);
    expect(write).not.toThrow(/canary/);
  },
);
