/** Generated files that are checked in. */
import { join } from "node:path";
import * as prettier from "prettier";
import { expect } from "vitest";
import { PROJECT } from "./sources";

/** Fails where the file has another text; `npm run docs` writes it. */
export async function expectCurrent(path: string, text: string): Promise<void> {
  const options = { ...(await prettier.resolveConfig(join(PROJECT, path))), filepath: path };
  const content = path.endsWith(".md") ? await prettier.format(text, options) : text;
  await expect(content, `${path} is not current; \`npm run docs\` writes it`).toMatchFileSnapshot(join(PROJECT, path));
}

/** A table of a page. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");

/** Code in a line. */
export function code(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, " ");
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
}
