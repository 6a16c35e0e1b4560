/** Service files of OpenClaw gateways: what an older installation may have left. Only reads. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { entries } from "../host/files";
import { unitDirectories } from "../inspect/units";

/** OpenClaw and its former names. */
const NAMES = /openclaw|clawdbot|moltbot/i;

export interface Unit {
  readonly path: string;
  /** The port that it names. */
  readonly port: number | undefined;
}

/** Every unit that starts an OpenClaw gateway. */
export function gatewayUnits(
  directories: readonly string[] = unitDirectories(homedir()).map(({ path }) => path),
): Unit[] {
  return directories.flatMap((directory) =>
    entries(directory)
      .filter((name) => name.endsWith(".service"))
      .flatMap((name): Unit[] => {
        const path = join(directory, name);
        const start = /^ExecStart=.*$/m.exec(read(path))?.[0] ?? "";
        if (!/\bgateway\b/.test(start) || !(NAMES.test(start) || NAMES.test(name))) return [];
        const port = /--port[= ](\d+)/.exec(start)?.[1];
        return [{ path, port: port === undefined ? undefined : Number(port) }];
      }),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
