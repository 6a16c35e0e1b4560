/** Where systemd finds units that people or programs put there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { homedir, userInfo } from "node:os";
import { gatewayPaths, serviceName } from "../model/hostLayout";
import { accounts } from "./accounts";
import { entries } from "./files";

interface UnitDirectory {
  readonly path: string;
  /** Its units are started by a user's own systemd. */
  readonly isOfUsers: boolean;
}

/** `home`: of the user whose units count. */
export const unitDirectories = (home: string): readonly UnitDirectory[] => [
  { path: join(home, ".config/systemd/user"), isOfUsers: true },
  { path: "/etc/systemd/user", isOfUsers: true },
  { path: "/etc/systemd/system", isOfUsers: false },
];

/** Whether systemd runs this machine. Source: sd_booted(3). */
export const hasSystemd = (): boolean => existsSync("/run/systemd/system");

export interface Linger {
  readonly reason: string;
  readonly advice: string;
}

/** What is wrong if a user's services stop with their last session. */
export const lingering = (user: string): Linger => ({
  reason: `${user}'s services stop when ${user}'s last session ends: lingering is off`,
  advice: `have an administrator run: loginctl enable-linger ${user}`,
});

/** Why this user's units would stop with their last session, or `undefined`. */
export function lingerConflict(): Linger | undefined {
  const { username, uid } = userInfo();
  if (!hasSystemd() || uid === 0 || existsSync(`/var/lib/systemd/linger/${username}`)) return undefined;
  return lingering(username);
}

/** File name of a gateway's unit: OpenClaw's own, so that its commands find it. */
export const unitName = (id: string): string => `${serviceName(id === "main" ? "default" : id)}.service`;
export const unitHeader = (gatewayDir: string): string => `# pulumi-openclaw ${gatewayDir}`;

/** Whether a unit file belongs to a gateway of ours. */
export function isOurUnit(manage: string, id: string, path: string): boolean {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .includes(unitHeader(gatewayPaths(manage, id).dir));
  } catch {
    return false;
  }
}

/** OpenClaw and its former names. */
const NAMES = /openclaw|clawdbot|moltbot/i;

export interface Unit {
  readonly path: string;
  /** The port that it names. */
  readonly port: number | undefined;
}

/** Where units of a gateway can be: of this user, or of all users for root, which may deploy beside any of them. */
function everyUnitDirectory(): string[] {
  const homes = process.getuid?.() === 0 ? accounts().map(({ home }) => home) : [];
  return [...new Set([homedir(), ...homes].flatMap((home) => unitDirectories(home).map(({ path }) => path)))];
}

/** Every unit that starts an OpenClaw gateway, running or not. One that is masked is empty. */
export function gatewayUnits(directories: readonly string[] = everyUnitDirectory()): Unit[] {
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
