/** A host's file system: an image, layers above it, and on top the directory that is the host's own disk. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { command } from "./commands";

export interface DiskOptions {
  readonly image: string;
  /** Directories between image and disk, the first one topmost. */
  readonly layers: readonly string[];
  /** A disk of this size, that can be full; without it, as large as this machine's. */
  readonly megabytes?: number | undefined;
}

export class Disk {
  /** All of it, as the host sees it. */
  readonly root: string;
  private readonly filler: string;

  constructor(directory: string, { image, layers, megabytes }: DiskOptions) {
    const disk = join(directory, "disk");
    this.root = join(directory, "root");
    const [upper, work] = [join(disk, "upper"), join(disk, "work")];
    this.filler = join(upper, "filler");
    mkdirSync(disk);
    if (megabytes !== undefined) {
      const file = join(directory, "disk.ext4");
      command("truncate", `--size=${megabytes}M`, file);
      command("mkfs.ext4", "-q", "-m", "0", file); // nothing kept back for root
      command("mount", "-n", "-o", "loop", file, disk);
    }
    for (const part of [upper, work, this.root]) mkdirSync(part);
    const lower = [...layers, image];
    const odd = lower.find((path) => /[:,\\]/.test(path));
    if (odd !== undefined) throw new Error(`overlayfs cannot take this path of a layer: ${odd}`);
    // redirect_dir: a directory of a layer can be renamed, as on any disk.
    const options = `redirect_dir=on,lowerdir=${lower.join(":")},upperdir=${upper},workdir=${work}`;
    command("mount", "-n", "-t", "overlay", "-o", options, "overlay", this.root);
  }

  /** Nothing is free afterwards, for root neither. */
  fill(): void {
    const free = (): number => statfsSync(this.root).bavail * statfsSync(this.root).bsize;
    if (free() > 4e9) throw new Error("a disk of this size is not filled: give the host diskMegabytes");
    // The file system keeps some blocks back for what it has not written yet: they are free only after it has.
    for (let tries = 0; free() > 0 && tries < 10; tries++) {
      const flags = ["bs=4k", "oflag=append", "conv=notrunc,fsync"];
      const { stderr, status } = spawnSync("dd", ["if=/dev/zero", `of=${this.filler}`, ...flags], { encoding: "utf8" });
      if (status !== 0 && !stderr.includes("No space left")) throw new Error(stderr);
    }
  }

  free(): void {
    rmSync(this.filler, { force: true });
  }
}

/** Unmounts everything below a directory, the last mounted first. */
export function unmountBelow(directory: string): void {
  const targets = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${directory}/`));
  for (const target of targets.reverse()) command("umount", "-n", target);
}
