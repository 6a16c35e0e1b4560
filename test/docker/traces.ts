/** Everything of the tests' Docker engine that is on this machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/commands";
import { isRunning } from "../support/processes";
import { ENGINE, SUBNET } from "./names";

export function traces(): string[] {
  const lines = (text: string) => text.split("\n").filter((line) => line.includes(ENGINE) || line.includes(SUBNET));
  const below = (directory: string) =>
    existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  const processes = readdirSync("/proc").filter((pid) => isRunning(Number(pid)) && cgroupsOf(pid).includes(ENGINE));
  const groups = below("/sys/fs/cgroup").flatMap(below);
  const files = ["/run", "/tmp", "/var/tmp", "/var/lib"].flatMap(below);
  return [
    ...processes.map((pid) => `process ${pid}: ${readProcess(pid, "cmdline").replaceAll("\0", " ")}`),
    ...lines(command("ip", "-oneline", "address")),
    ...lines(command("ip", "-oneline", "link")),
    ...lines(readFileSync("/proc/self/mountinfo", "utf8")),
    ...[...groups, ...files].filter((path) => path.includes(ENGINE)),
  ];
}

export function readProcess(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}

const cgroupsOf = (pid: string): string => readProcess(pid, "cgroup");
