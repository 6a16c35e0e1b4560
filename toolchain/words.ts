/** ARGS of make as words: split and unquoted as a shell does it, with nothing put in the place of variables. */
import { parse } from "shell-quote";

/** In the place of `$` while the text is split; no text that is typed has it. */
const DOLLAR = "\u{E000}";

export const wordsIn = (typed: string): string[] =>
  parse(typed.replaceAll("$", DOLLAR)).map((word) => textOf(word).replaceAll(DOLLAR, "$"));

function textOf(word: ReturnType<typeof parse>[number]): string {
  if (typeof word === "string") return word;
  if ("pattern" in word) return word.pattern;
  if ("op" in word) return word.op;
  return "comment" in word ? `#${word.comment}` : "";
}
