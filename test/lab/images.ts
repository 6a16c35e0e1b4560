/** Root file systems of bare Debian hosts, made once for each machine. */
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fillOnce } from "../../toolchain/cache";
import { fingerprint } from "../../model/cache";
import { inGroup, makeGroup } from "./cgroups";
import { command, longCommand, remove } from "./commands";
import { releaseLock, takeLock } from "./lock";
import { labCache } from "./names";

export type Debian = "bookworm" | "trixie";

/** The plain user of every host: no rights beyond its own, no lingering services. */
export const PLAIN_USER = "claw";

/** As a rented machine comes: systemd and sshd; no Node.js, npm, curl or wget. */
const PACKAGES = [
  "systemd systemd-sysv dbus dbus-user-session libpam-systemd",
  "openssh-server sudo iproute2 procps ca-certificates libstdc++6",
].flatMap((line) => line.split(" "));

/** Runs before systemd: nspawn hands the controllers over read-only, and limits of memory would silently do nothing. */
export const INIT = "/usr/local/sbin/lab-init";
const INIT_SCRIPT = `#!/bin/sh
for controller in memory pids cpu cpuacct; do mount -o remount,bind,rw /sys/fs/cgroup/$controller; done
exec /lib/systemd/systemd
`;

const CUSTOMIZE = `set -eu
useradd --uid 1000 --create-home --shell /bin/bash ${PLAIN_USER}
install -d -m 0700 /root/.ssh
install -d -m 0700 -o ${PLAIN_USER} -g ${PLAIN_USER} /home/${PLAIN_USER}/.ssh
install -d -m 2755 -g systemd-journal /var/log/journal
rm -f /etc/ssh/ssh_host_* /etc/resolv.conf
: >/etc/machine-id
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer systemd-firstboot.service getty.target
cat >${INIT} <<'END'
${INIT_SCRIPT}END
chmod 0755 ${INIT}
`;

const GROUP = "images";
/** Another lab of this machine that makes them takes a minute or two. */
const PATIENCE_MILLISECONDS = 10 * 60_000;
const imagesDirectory = (): string => join(labCache(), "images");

/** The directory of each image; read-only by agreement: hosts put their own directory above it. */
export async function ensureImages(): Promise<Readonly<Record<Debian, string>>> {
  const lock = await takeLock("claw-lab-images", PATIENCE_MILLISECONDS);
  try {
    removeUnfinishedImages();
    const [bookworm, trixie] = await Promise.all([ensureImage("bookworm"), ensureImage("trixie")]);
    return { bookworm, trixie };
  } finally {
    await releaseLock(lock);
  }
}

async function ensureImage(debian: Debian): Promise<string> {
  const directory = join(imagesDirectory(), `${debian}-${fingerprint([...PACKAGES, CUSTOMIZE])}`);
  await fillOnce(directory, async (temporary) => {
    const exclude = ["man", "doc", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const hook = `--customize-hook=chroot "$1" sh -c '${CUSTOMIZE.replaceAll("'", `'\\''`)}'`;
    const flags = ["--variant=minbase", "--mode=root", `--include=${PACKAGES.join(",")}`, ...exclude, hook];
    makeGroup(GROUP);
    await longCommand(...inGroup(GROUP, "mmdebstrap", "--quiet", ...flags, debian, temporary, debianMirror()));
    chmodSync(temporary, 0o755);
  });
  return directory;
}

/** Removes what a run left that was ended while it made an image. */
function removeUnfinishedImages(): void {
  mkdirSync(imagesDirectory(), { recursive: true, mode: 0o700 });
  for (const name of readdirSync(imagesDirectory())) if (name.startsWith(".")) remove(join(imagesDirectory(), name));
}

/** Where this machine's own apt gets Debian from. */
function debianMirror(): string {
  const find = (): string | undefined =>
    command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian").split(
      "\n",
    )[0];
  const mirror = find() ?? "";
  if (mirror) return mirror;
  command("apt-get", "update", "-qq");
  const found = find();
  if (!found)
    throw new Error("apt on this machine has no Debian mirror in its sources: the lab makes its hosts from one");
  return found;
}
