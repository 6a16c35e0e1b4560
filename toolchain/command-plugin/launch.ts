/**
 * The executable: runs the bundle beside it with the machine code that V8 made of it when it was built. That halves the
 * time of a start, and every preview starts the plugin. Another Node.js than the one that built it ignores the code.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";
import { CODE_CACHE, BUNDLE, WRITE_CODE_CACHE } from "./files";

const path = `${__dirname}/${BUNDLE}`;
const code = `${__dirname}/${CODE_CACHE}`;
const script = new Script(`(function (require, module, exports) {${readFileSync(path, "utf8")}\n})`, {
  filename: path,
  ...(existsSync(code) && { cachedData: readFileSync(code) }),
});
(script.runInThisContext() as (...globals: unknown[]) => void)(require, module, exports);

if (process.argv[2] === WRITE_CODE_CACHE) {
  writeFileSync(code, script.createCachedData());
  process.exit();
}
