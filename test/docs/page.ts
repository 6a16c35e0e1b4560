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
