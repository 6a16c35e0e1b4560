/** Sends to a host what it cannot fetch itself. */
import { join, posix } from "node:path";
import { PACKAGE_LOCK_ID_FILE, packageLockId } from "../model/packageLock";
import { gatewayPaths, gatewaysDir, pushedDir, pushedRelease } from "../model/hostLayout";
import type { Cpu } from "../model/pins";
import { fingerprint, cacheDirectory } from "../model/cache";
import { packageArchive, releaseArchive, say, sayWaiting, type Archive } from "./archives";
import { Failure } from "../model/failure";
import { CHUNK_BYTES, RemoteHost } from "../ssh/remoteHost";
import { withMutex } from "./mutex";
import type { PushRequest } from "../model/requests";

const PROGRESS_MS = 5_000;
const CPUS: Readonly<Record<string, Cpu>> = { "Linux x86_64": "x64", "Linux aarch64": "arm64" };

interface Item {
  readonly label: string;
  /** Asks the host whether what is made from the archive exists. If so, nothing has to be sent. */
  readonly isThere: readonly [script: string, ...args: string[]];
  /** On the host: the archive. */
  readonly target: string;
  /** On the host, as a shell pattern: other archives that may be the same. */
  readonly others?: string;
  archive(cpu: Cpu): Promise<Archive>;
}

function itemsOf({ manage, tools, release }: PushRequest, cpu: Cpu): Item[] {
  const archives = tools
    ? [
        { ...tools.node[cpu], dir: "nodes" },
        { ...tools.npm, dir: "npms" },
      ]
    : [];
  const items: Item[] = archives.map(({ dir, ...pinned }) => ({
    label: `${pinned.name} ${pinned.version}`,
    isThere: [IS_THERE, posix.join(manage, dir, pinned.version)],
    target: posix.join(pushedDir(manage), `${pinned.name}-${pinned.version}.tgz`),
    archive: () => packageArchive(pinned),
  }));
  if (!release) return items;
  const { gateway, version, packages } = release;
  const { releases } = gatewayPaths(manage, gateway);
  return [
    ...items,
    {
      label: `openclaw ${version}`,
      isThere: [IS_INSTALLED, posix.join(releases, version), packageLockId(packages)],
      target: pushedRelease(releases, version),
      others: `${gatewaysDir(manage)}/*/releases/${version}.tgz`,
      archive: (cpu) => releaseArchive(version, packages, cpu),
    },
  ];
}

export async function pushToHost(request: PushRequest): Promise<string> {
  const { connection, manage } = request;
  const host = await RemoteHost.open(connection, request.sudo, say);
  try {
    const machine = (await host.run("uname -sm")).trim();
    const cpu = CPUS[machine];
    if (!cpu) throw new Failure(`OpenClaw gateways run on Linux x64 and arm64; ${connection.host} is ${machine}`);
    let sent = 0;
    for (const item of itemsOf(request, cpu)) {
      if ((await host.run(...item.isThere)) === "yes\n") continue;
      const archive = await item.archive(cpu);
      // Two gateways with one release: the second finds what the first has sent.
      const lock = fingerprint([connection.host, String(connection.port), manage, archive.sha256]);
      sent += await withMutex(join(cacheDirectory(process.env), "push", `${lock}.lock`), sayWaiting, () =>
        send(host, item, archive),
      );
    }
    return sent ? `sent ${sent} bytes` : "nothing to send";
  } finally {
    host.close();
  }
}

const IS_THERE = 'if [ -e "$1" ]; then echo yes; fi';

/** As `releaseName` in host/stagedPackageLocks.ts finds it. */
const IS_INSTALLED = `if [ -e "$1-$2" ]; then echo yes
elif [ -e "$1" ] && { [ ! -e "$1/${PACKAGE_LOCK_ID_FILE}" ] || [ "$(cat "$1/${PACKAGE_LOCK_ID_FILE}")" = "$2" ]; }; then echo yes; fi`;

/** Whether the archive, or a link to another gateway's, is in place and complete; otherwise how much has arrived. */
const LOOK = `set -eu; umask 022; mkdir -p "$(dirname "$1")"
IFS= # so that $4 is expanded, but not split
is_whole() { printf '%s  %s\\n' "$3" "$1" | sha256sum -c --status 2>/dev/null; }
for other in "$1" $4; do
  if [ -f "$other" ] && is_whole "$other" "" "$3"; then
    [ "$other" = "$1" ] || ln -f "$other" "$1"
    echo whole; exit
  fi
done
rm -f "$1"
if [ -f "$2" ]; then wc -c <"$2"; else echo 0; fi`;

const FINISH = `set -eu
if printf '%s  %s\\n' "$3" "$2" | sha256sum -c --status; then
  sync "$2" 2>/dev/null || sync; mv -f "$2" "$1"; echo whole
else rm -f "$2"; fi`;

/** Returns how many bytes were sent. */
async function send(host: RemoteHost, { label, target, others = "" }: Item, archive: Archive): Promise<number> {
  const part = `${target}.${archive.sha256.slice(0, 12)}.part`;
  const args = [target, part, archive.sha256];
  let sent = 0;
  for (let isRepeated = false; ; isRepeated = true) {
    const found = (await host.run(LOOK, ...args, others)).trim();
    if (found === "whole") return sent;
    const from = Math.floor(Math.min(Number(found), archive.size) / CHUNK_BYTES) * CHUNK_BYTES;
    if (from > 0) say(`${label}: ${megabytes(from)} of ${megabytes(archive.size)} MB are already there`);
    let told = Date.now();
    await host.write(archive.file, from, part, (bytes) => {
      if (Date.now() - told < PROGRESS_MS) return;
      told = Date.now();
      say(`sending ${label}: ${megabytes(from + bytes)} of ${megabytes(archive.size)} MB`);
    });
    sent += archive.size - from;
    if ((await host.run(FINISH, ...args)) === "whole\n") {
      say(`sent ${label}: ${megabytes(archive.size)} MB`);
      return sent;
    }
    if (isRepeated || from === 0)
      throw new Failure(`${label} arrived damaged`, "check the host's disk and memory, then run `pulumi up` again");
    say(`${label}: the part that was there is damaged; sending it all again`);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
