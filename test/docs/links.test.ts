/** Every page: its links lead to files and headings that are there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";
import { PROJECT } from "../support/engine";

const pagesIn = (directory: string): string[] =>
  readdirSync(join(PROJECT, directory))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(PROJECT, directory, name));
const PAGES = [".", "docs", "examples"].flatMap(pagesIn);

/** As GitHub names a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (page: string): string[] =>
  [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));

/** Where a page's links lead that are not on the web. */
function linksOf(page: string): string[] {
  const text = readFileSync(page, "utf8").replaceAll(/^```[^]*?^```$/gm, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^\w+:/.test(link));
}

it.each(PAGES.map((page) => [relative(PROJECT, page), page]))("every link of %s leads somewhere", (_name, page) => {
  const broken = linksOf(page).filter((link) => {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? page : join(dirname(page), file);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

it("the README is short", () =>
  expect(readFileSync(join(PROJECT, "README.md"), "utf8").split("\n").length).toBeLessThanOrEqual(111));
