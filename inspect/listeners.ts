/** Who listens on which TCP port of this machine. Linux. */
import { readdirSync, readFileSync } from "node:fs";
import { openFiles } from "./processes";
import type { Listener } from "../model/conflict";

/** A line of /proc/net/tcp for a listening socket, and its port. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A /;

/** Listeners on any address whose port `wanted` accepts. */
export function listeners(wanted: (port: number) => boolean): Listener[] {
  const byInode = portsByInode(wanted);
  if (!byInode.size) return [];
  const owners = ownersOf(new Set(byInode.keys()));
  const found = [...byInode].map(([inode, port]): Listener => {
    const pid = owners.get(inode);
    return pid === undefined ? { port } : { port, pid, command: processName(pid) };
  });
  // One process that listens on IPv4 and IPv6 is one listener.
  return [...new Map(found.map((each) => [`${each.port} ${each.pid}`, each])).values()].sort((a, b) => a.port - b.port);
}

/** Whether anything listens on a port. */
export const isListening = (port: number): boolean => portsByInode((each) => each === port).size > 0;

function portsByInode(wanted: (port: number) => boolean): Map<string, number> {
  const byInode = new Map<string, number>();
  for (const line of ["/proc/net/tcp", "/proc/net/tcp6"].flatMap(readLines)) {
    const port = portIn(line);
    if (port !== undefined && wanted(port)) byInode.set(line.trim().split(/\s+/)[9]!, port);
  }
  return byInode;
}

function portIn(line: string): number | undefined {
  const hex = LISTENING.exec(line)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

function ownersOf(inodes: ReadonlySet<string>): Map<string, number> {
  const owners = new Map<string, number>();
  // Newest processes first: the system's own are many, and seldom the ones that we look for.
  for (const name of readdirSync("/proc").reverse()) {
    if (owners.size === inodes.size) break;
    if (!/^\d+$/.test(name)) continue;
    for (const file of openFiles(Number(name))) {
      const inode = /^socket:\[(\d+)\]$/.exec(file)?.[1];
      if (inode !== undefined && inodes.has(inode)) owners.set(inode, Number(name));
    }
  }
  return owners;
}

/** The program's name only: arguments may hold secrets. */
const processName = (pid: number): string => readLines(`/proc/${pid}/comm`)[0] ?? "";

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

/** The ports that the kernel hands out to programs that ask for any. */
export function ephemeralPorts(): { first: number; last: number } {
  const [first = 32768, last = 60999] = (readLines("/proc/sys/net/ipv4/ip_local_port_range")[0] ?? "")
    .split(/\s+/)
    .filter((text) => text !== "")
    .map(Number);
  return { first, last };
}

/** Listeners of another machine, from its /proc/net/tcp, with names from `ss -ltnp` if it has that. */
export function listenersIn(lines: readonly string[]): Listener[] {
  const ports = lines.flatMap((line) => portIn(line) ?? []);
  const names = lines.flatMap((line) => {
    const [, port, command, pid] = /:(\d+)\s+\S+\s+users:\(\("([^"]*)",pid=(\d+)/.exec(line) ?? [];
    return port === undefined ? [] : [{ port: Number(port), command: command!, pid: Number(pid) }];
  });
  return [...new Set(ports)].sort((a, b) => a - b).map((port) => names.find((each) => each.port === port) ?? { port });
}
