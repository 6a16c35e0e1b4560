/** Writes down what a deployment has left, and puts right what was changed since. */
import * as fs from "node:fs";
import { basename, join, relative } from "node:path";
import {
  appliedFile,
  appliedReleaseFile,
  fileAsIs,
  readApplied,
  readAppliedRelease,
  type Applied,
  type AppliedFile,
  type AppliedRelease,
} from "../inspect/applied";
import { changedFilesOf } from "../inspect/drift";
import { readLink } from "../inspect/files";
import { CONFIG_FILE, configFile, isWithin, SERVICE_FILE, SPEC_FILE, STATE_OWNER_FILE } from "../model/hostLayout";
import type { Wanted } from "../model/packageLock";
import { ownOnly, writeJson } from "./files";
import { secretFilesOf, WITHHELD_CONFIG_FILE, type Generation } from "./generation";
import type { HostGateway } from "./host";
import { releaseDir } from "./release";
import { nonceKey } from "./secrets";
import { supervisorFor } from "./supervisors/choose";

/** What a claim writes. */
const claimedFiles = ({ host, id, paths, claim }: HostGateway): string[] => [
  paths.owner,
  claim.wrapper,
  join(claim.stateDir, STATE_OWNER_FILE),
  ...(claim.configPath === configFile(host.manage, id) ? [] : [claim.configPath]),
];

/** What OpenClaw reads, and what our command line does; and what decides the process. */
const CONFIGS = [CONFIG_FILE, WITHHELD_CONFIG_FILE];
const OF_PROCESS = [SERVICE_FILE, SPEC_FILE];

function asTheyAre(gateway: HostGateway, paths: readonly string[]): Record<string, AppliedFile> {
  const key = nonceKey(gateway.host);
  return Object.fromEntries(
    paths.flatMap((path) => {
      const file = fileAsIs(path, key);
      return file ? [[path, file]] : [];
    }),
  );
}

const save = ({ paths }: HostGateway, applied: Applied): void => writeJson(appliedFile(paths.dir), applied, ownOnly());

/** After a deployment, when everything is as it should be. `isInstalled`: the release was installed in it. */
export function recordApplied(
  gateway: HostGateway,
  generation: Generation,
  release: string,
  isInstalled: boolean,
): void {
  const { host, paths } = gateway;
  const files = [
    ...claimedFiles(gateway),
    ...[...CONFIGS, ...OF_PROCESS].map((name) => join(paths.current, name)),
    ...secretFilesOf(gateway, generation),
    ...supervisorFor(host).files(gateway),
  ];
  if (isInstalled || readAppliedRelease(paths.dir)?.directory !== release)
    writeJson(appliedReleaseFile(paths.dir), {
      directory: release,
      version: generation.spec.version,
      wholeAt: Date.now(),
      directories: directoriesIn(release),
    } satisfies AppliedRelease);
  save(gateway, {
    format: 1,
    generation: generation.name,
    config: generation.spec.config,
    files: asTheyAre(gateway, files),
  });
}

/** Relative to it, itself included. */
const directoriesIn = (release: string): string[] => [
  "",
  ...fs
    .readdirSync(release, { withFileTypes: true, recursive: true })
    .filter((each) => each.isDirectory())
    .map((each) => relative(release, join(each.parentPath, each.name))),
];

/** After a claim: it may have moved what it writes. */
export function recordClaimed(gateway: HostGateway): void {
  const former = readApplied(gateway.paths.dir);
  if (!former) return;
  const isOwn = (path: string): boolean =>
    isWithin(path, gateway.paths.dir) || supervisorFor(gateway.host).files(gateway).includes(path);
  const kept = Object.entries(former.files).filter(([path]) => isOwn(path));
  save(gateway, { ...former, files: { ...Object.fromEntries(kept), ...asTheyAre(gateway, claimedFiles(gateway)) } });
}

/** Whether what decides the process is as it was written: a gateway may have started with something else since. */
export function isUntouched(gateway: HostGateway): boolean {
  const applied = readApplied(gateway.paths.dir);
  const current = readLink(gateway.paths.current);
  if (!applied || current === undefined || applied.generation !== basename(current)) return true;
  const key = nonceKey(gateway.host);
  return OF_PROCESS.map((name) => join(gateway.paths.current, name)).every(
    (path) => applied.files[path]?.digest === fileAsIs(path, key)?.digest,
  );
}

/** Whether files of the release that is wanted were changed since it was whole. */
export function isReleaseTouched(gateway: HostGateway, wanted: Wanted): boolean {
  const release = readAppliedRelease(gateway.paths.dir);
  return release?.directory === releaseDir(gateway, wanted) && changedFilesOf(release) !== 0;
}
