/**
 * The images that containers of tests run, made without a registry: what OpenClaw's official image has where the official
 * image has it, as far as its npm package has it.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { NODE_VERSION } from "../../model/pins";
import { fingerprint } from "../../model/cache";
import { command } from "../lab/commands";
import { ensurePackages } from "../support/debianPackages";
import { standInFiles } from "../standIn/release";
import { copy, ensureSeed, seedNode, seedRelease, VERSION } from "../support/seed";

/** Names of images: nothing is ever fetched by them. */
export const OPENCLAW_REPOSITORY = "test.invalid/openclaw";
export const OPENCLAW_IMAGE = `${OPENCLAW_REPOSITORY}:${VERSION}`;
/** Has all the commands of a gateway, and its "gateway" answers nothing. */
export const WRONG_IMAGE = "test.invalid/wrong:1";

/** For rows that are about us. */
export const STAND_IN_REPOSITORY = "test.invalid/stand-in";
export const STAND_IN_IMAGE = `${STAND_IN_REPOSITORY}:${VERSION}`;

export const NODE_UID = 1000;
const HOME = "/home/node";

/** Needed by a gateway and named by no program: name services. */
const LIBRARIES = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];
/** What is for developers: a quarter of everything. */
const LEFT_OUT = ["*.map", "*.d.ts", "*.d.mts", "*.d.cts"];

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/root:/bin/sh\nnode:x:${NODE_UID}:${NODE_UID}::${HOME}:/bin/sh\n`,
  "etc/group": `root:x:0:\nnode:x:${NODE_UID}:\n`,
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

/** In a Dockerfile's words, as `docker import --change` takes them. */
const COMMON = [`USER node`, `ENV HOME=${HOME} PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production`, "WORKDIR /app"];
const HEALTH = "fetch('http://127.0.0.1:18789/healthz').then((r)=>process.exit(r.ok?0:1)).catch(()=>process.exit(1))";
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  [OPENCLAW_IMAGE]: [
    ...COMMON,
    `HEALTHCHECK --interval=180s --timeout=10s --start-period=15s CMD ["node","-e",${JSON.stringify(HEALTH)}]`,
    'CMD ["node","dist/index.js","gateway"]',
  ],
  [WRONG_IMAGE]: COMMON,
  [STAND_IN_IMAGE]: COMMON,
};
const STAND_IN_FILES = standInFiles({ version: VERSION }, "index.js");
const WRONG_PROGRAM = `#!/bin/sh
case "$1" in dist/index.js) ;; *) echo "this is not OpenClaw" >&2; exit 1 ;; esac
trap 'exit 0' TERM
while :; do sleep 1 & wait $!; done
`;

/** Other images have another one. */
export const imagesFingerprint = (): string =>
  fingerprint([VERSION, NODE_VERSION, readFileSync(__filename), ...Object.values(STAND_IN_FILES)]);

/** Puts the images into an engine. */
export async function makeImages(api: Docker, directory: string): Promise<void> {
  ensureSeed();
  ensurePackages(["busybox-static"]);
  const wrong = join(directory, "wrong");
  makeBase(wrong);
  for (const name of ["app/dist/index.js", "usr/local/bin/node", "usr/local/bin/openclaw"])
    put(wrong, name, (path) => writeFileSync(path, WRONG_PROGRAM, { mode: 0o755 }));
  await importImage(api, WRONG_IMAGE, wrong);

  const standIn = join(directory, "stand-in");
  makeBase(standIn);
  copyPrograms(standIn, seedNode, "/usr/local/bin/node");
  put(standIn, "app/package.json", (path) => writeFileSync(path, '{"type":"module"}'));
  for (const [name, contents] of Object.entries(STAND_IN_FILES))
    put(standIn, `app/dist/${name}`, (path) => writeFileSync(path, contents));
  const openclawCommand = '#!/bin/sh\nexec node /app/dist/index.js "$@"\n';
  put(standIn, "usr/local/bin/openclaw", (path) => writeFileSync(path, openclawCommand, { mode: 0o755 }));
  await importImage(api, STAND_IN_IMAGE, standIn);

  const openclaw = join(directory, "openclaw");
  makeBase(openclaw);
  copyPrograms(openclaw, seedNode, "/usr/local/bin/node");
  const release = "opt/openclaw";
  put(openclaw, release, (path) => copy(seedRelease, path));
  symlinkSync(`${release}/node_modules/openclaw`, join(openclaw, "app"));
  symlinkSync("/app/openclaw.mjs", join(openclaw, "usr/local/bin/openclaw"));
  await importImage(api, OPENCLAW_IMAGE, openclaw);
}

/** A shell and its tools, accounts and the directories of a gateway, which a new volume takes its owner from. */
function makeBase(root: string): void {
  for (const [name, contents] of Object.entries(FILES)) put(root, name, (path) => writeFileSync(path, contents));
  const busybox = command("which", "busybox").trim();
  copyPrograms(root, busybox, "/bin/busybox");
  for (const applet of command(busybox, "--list")
    .trim()
    .split("\n")
    .filter((name) => name !== "busybox"))
    symlinkSync("busybox", join(root, "bin", applet));
  put(root, "usr/bin/env", (path) => symlinkSync("/bin/busybox", path));
  for (const name of ["tmp", "home"]) mkdirSync(join(root, name));
  chmodSync(join(root, "tmp"), 0o1777);
  for (const name of ["", ".openclaw", ".config", ".config/openclaw"]) {
    const path = join(root, HOME, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, NODE_UID, NODE_UID);
  }
}

/** Programs with all the libraries that they name, which keep their paths. */
function copyPrograms(root: string, from: string, to: string): void {
  const listed = (file: string): string[] => {
    const { stdout } = spawnSync("ldd", [file], { encoding: "utf8" }); // it fails where there is nothing to name
    return stdout.match(/\/\S+(?= \(0x)/g) ?? [];
  };
  const libraries = listed(from);
  const directory = libraries.find((path) => path.includes("/libc.so"));
  const unnamed = directory === undefined ? [] : LIBRARIES.map((name) => join(dirname(directory), name));
  for (const path of [...libraries, ...unnamed]) put(root, path, (target) => copyFileSync(path, target));
  put(root, to, (target) => copyFileSync(from, target));
}

function put(root: string, path: string, write: (target: string) => void): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  write(target);
}

async function importImage(api: Docker, name: string, root: string): Promise<void> {
  const flags = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  const tar = spawn("tar", ["-C", root, ...flags, "--numeric-owner", "-c", "."], { stdio: ["ignore", "pipe", "pipe"] });
  const [repo, tag] = name.split(/:(?=[^:]*$)/);
  const answer = (await api.importImage(tar.stdout, { repo, tag, changes: CHANGES[name]!.join("\n") })) as Readable;
  const said = await text(answer);
  if (/"error"/.test(said)) throw new Error(said);
}
