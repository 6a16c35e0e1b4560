/** What somebody types into ARGS of make. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { wordsIn } from "../../toolchain/words";
import { PROJECT } from "../../toolchain/project";

it.each([
  ["set --path main.config.x ${NAME}", ["set", "--path", "main.config.x", "${NAME}"]],
  ["rm main.env[0] --target=**openclaw*", ["rm", "main.env[0]", "--target=**openclaw*"]],
  [`a "b c" 'd e' --x="1 2" ""`, ["a", "b c", "d e", "--x=1 2", ""]],
  ["urn:pulumi:dev::o::A$B:C::d", ["urn:pulumi:dev::o::A$B:C::d"]],
  ["it\\'s #1 a|b", ["it's", "#1 a|b"]],
  ["", []],
])("ARGS are split into words as a shell does: %s", (typed, words) => {
  expect(wordsIn(typed)).toEqual(words);
});

it("make passes the words on as typed", () => {
  const directory = mkdtempSync(join(tmpdir(), "make-args-"));
  try {
    const [recipe] = /^\t@exec node dist\/toolchain\.cjs \$@ .*$/m.exec(
      readFileSync(join(PROJECT, "Makefile"), "utf8"),
    )!;
    const print = recipe.replace("@exec node dist/toolchain.cjs", "@printf '%s\\n'");
    writeFileSync(join(directory, "Makefile"), `config:\n${print}\n`);
    const typed = `set --path a.b "\${NAME} it's $(id)"`;
    const said = execFileSync("make", ["-C", directory, "--no-print-directory", "config", `ARGS=${typed}`], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, NAME: "expanded" },
    });
    expect(said).toBe(`config\n${typed}\n`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
