/** The commands of gateways, e.g. `openclaw-main`, and whose they are. */
import { join, basename } from "node:path";
import { readFileSync } from "node:fs";
import { gatewayPaths } from "../model/hostLayout";

const HEADER = "# pulumi-openclaw ";
export const wrapperHeader = (manage: string, id: string): string => `${HEADER}${gatewayPaths(manage, id).dir}`;

/** The host program behind a command, and the gateway's name there; `undefined` if it is not ours. */
export function gatewayOfWrapper(path: string): { readonly program: string; readonly id: string } | undefined {
  try {
    const line = readFileSync(path, "utf8")
      .split("\n")
      .find((each) => each.startsWith(HEADER));
    const dir = line?.slice(HEADER.length);
    return dir === undefined ? undefined : { program: join(dir, "../../host"), id: basename(dir) };
  } catch {
    return undefined;
  }
}
export function isOurWrapper(manage: string, id: string, path: string): boolean {
  try {
    return readFileSync(path, "utf8").split("\n").includes(wrapperHeader(manage, id));
  } catch {
    return false;
  }
}
