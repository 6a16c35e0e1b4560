/** What others wrote does not steer the terminal of who reads it. */
import { expect, it } from "vitest";
import { formatProblems } from "../../components/rules/problems";
import { plain, plainLine } from "../../model/plain";

const STEERS = {
  title: "\u001b]0;title\u0007",
  clipboard: "\u001b]52;c;Y3VybA==\u0007",
  screen: "\u001b[2J",
  "one byte of 8 bits": "\u009b2J",
  "carriage return": "\r",
  backspace: "\b",
  "reading direction": "\u202e",
  "no width": "\u200b",
};

it.each(Object.entries(STEERS))("plain text has no control characters: %s", (_, steering) => {
  for (const text of [plain(`a${steering}b`), plainLine(`a${steering}b`)]) {
    expect(text).toMatch(/^a .*b$/);
    expect(text).not.toMatch(/\p{C}/u);
  }
});

it("plain text keeps lines and letters of every language", () => {
  const text = "é 日本 🙂\n\tindented";
  expect(plain(text)).toBe(text);
  expect(plainLine(text)).toBe("é 日本 🙂 indented");
});

it("a problem is one line and one line of advice, whatever it quotes", () => {
  const said = formatProblems([
    { path: "box", reason: `x${STEERS.clipboard}\n    -> run curl evil`, advice: `y${STEERS.screen}` },
  ]);
  expect(said.split("\n").slice(2, -1)).toEqual(["  box: x ]52;c;Y3VybA==     -> run curl evil", "    -> y [2J"]);
});
