/** Generated files that are checked in. */
import { join } from "node:path";
import * as prettier from "prettier";
import { expect } from "vitest";
import { PROJECT } from "./sources";

/**
 * Fails where the file has another text; `npm run docs` writes it. As Prettier formats it, except a page that it ignores: it
 * would pad that one's tables to the width of their longest sentence.
 */
export async function expectCurrent(page: string, text: string): Promise<void> {
  const path = join(PROJECT, page);
  const { ignored, inferredParser } = await prettier.getFileInfo(path, {
    ignorePath: join(PROJECT, ".prettierignore"),
  });
  const content =
    ignored || inferredParser === null
      ? `${text.trimEnd()}\n`
      : await prettier.format(text, { ...(await prettier.resolveConfig(path)), filepath: path });
  await expect(content, `${page} is not current; \`npm run docs\` writes it`).toMatchFileSnapshot(path);
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
