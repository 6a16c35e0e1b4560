/** The command of a gateway, e.g. `openclaw-main`: a script that says whose it is. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDir, removeTree, sweep, writeFile } from "./files";
import { gatewayPaths, hostCommand } from "../model/hostLayout";

const MARK = "# pulumi-openclaw ";
const wrapperMark = (manage: string, id: string): string => `${MARK}${gatewayPaths(manage, id).dir}`;

/** The host program behind a command, and the gateway's name there; `undefined` where it is none of ours. */
export function gatewayOfWrapper(path: string): { readonly program: string; readonly id: string } | undefined {
  try {
    const line = readFileSync(path, "utf8")
      .split("\n")
      .find((each) => each.startsWith(MARK));
    const dir = line?.slice(MARK.length);
    return dir === undefined ? undefined : { program: join(dir, "../../host"), id: basename(dir) };
  } catch {
    return undefined;
  }
}

export function isOurWrapper(manage: string, id: string, path: string): boolean {
  try {
    return readFileSync(path, "utf8").split("\n").includes(wrapperMark(manage, id));
  } catch {
    return false;
  }
}

export function writeWrapper(manage: string, id: string, path: string): void {
  makeDir(dirname(path));
  writeFile(path, wrapperText(manage, id), { fileMode: 0o755, dirMode: 0o755, gid: process.getgid!() });
}

export function removeWrapper(manage: string, id: string, path: string): void {
  sweep(dirname(path), basename(path));
  if (isOurWrapper(manage, id, path)) removeTree(path);
}

const wrapperText = (manage: string, id: string): string => `#!/bin/sh
${wrapperMark(manage, id)}
# The command line of this OpenClaw gateway, with an environment of its own whoever calls it.
exec env -i TERM="\${TERM-}" COLORTERM="\${COLORTERM-}" NO_COLOR="\${NO_COLOR-}" TZ="\${TZ-}" \\
  '${hostCommand(dirname(manage))}' cli '${id}' "$@"
`;
