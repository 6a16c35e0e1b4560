/** The command of a gateway, e.g. `openclaw-main`: a script that names its gateway. */
import { basename, dirname } from "node:path";
import { makeDir, removeTree, sweep, writeFile } from "./files";
import { hostCommand } from "../model/hostLayout";
import { isOurWrapper, wrapperHeader } from "../inspect/wrappers";

export function writeWrapper(manage: string, id: string, path: string): void {
  makeDir(dirname(path));
  writeFile(path, wrapperText(manage, id), { fileMode: 0o755, dirMode: 0o755, gid: process.getgid!() });
}

export function removeWrapper(manage: string, id: string, path: string): void {
  sweep(dirname(path), basename(path));
  if (isOurWrapper(manage, id, path)) removeTree(path);
}

const wrapperText = (manage: string, id: string): string => `#!/bin/sh
${wrapperHeader(manage, id)}
# The command line of this OpenClaw gateway, with an environment of its own whoever calls it.
exec env -i TERM="\${TERM-}" COLORTERM="\${COLORTERM-}" NO_COLOR="\${NO_COLOR-}" TZ="\${TZ-}" \\
  '${hostCommand(dirname(manage))}' cli '${id}' "$@"
`;
