/**
 * Generations: everything that decides how a gateway runs, built beside the running one and switched by one rename.
 *
 * `current` is what runs (or should run), `good` the last generation that passed its health gate. At rest they are
 * equal; after an interrupted deployment they differ, and the next one continues from there.
 */
import { createHash } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, join } from "node:path";
import { gatewayEnvironment } from "./environment";
import { makeDir, readableBy, readyLink, removeTree, sweep, writeFile, writeJson, type ReadyLink } from "./files";
import { entries, readLink, readJson } from "../inspect/files";
import type { HostGateway } from "./host";
import { adaptiveHeap, heapFlag } from "../model/heap";
import { configFile } from "../model/hostLayout";
import type { Wanted } from "../model/packageLock";
import { releaseDir, releaseEntry, removeUnusedReleases } from "./release";
import { missingSecrets, secretsFile } from "./secrets";
import type { Spec } from "../model/spec";
import { defined } from "../model/defined";

/** How to run one generation: read by the supervisor and by the wrapper. */
export interface Service {
  readonly node: string;
  readonly entry: string;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly secrets: string;
  /** Limit of the JavaScript heap, in MiB. Missing: a generation from before there was one, which stays as it is. */
  readonly maxOldSpaceSize?: number | "adaptive";
}

/**
 * The arguments of Node.js that run a gateway. How much memory there is may change, and a service may have less than its host:
 * so that is asked where the gateway starts. The launcher passes the flag on to the gateway, and nobody to what that starts.
 */
export function serviceArguments({ entry, maxOldSpaceSize: heap }: Service): string[] {
  const flags = heap === undefined ? [] : [heapFlag(heap === "adaptive" ? adaptiveHeap(memoryHere()) : heap)];
  return [...flags, entry, "gateway", "run"];
}

/** In MiB: of the machine, or what the control group of this process allows. */
function memoryHere(): number {
  const [machine, allowed] = [totalmem(), process.constrainedMemory()];
  return Math.floor((allowed > 0 ? Math.min(machine, allowed) : machine) / 2 ** 20);
}

export interface Generation {
  readonly name: string;
  readonly dir: string;
  readonly spec: Spec;
  readonly service: Service;
}

const SERVICE_FILE = "service.json";
const SPEC_FILE = "spec.json";
const STAGING_PREFIX = ".staging-";

/**
 * The same spec, secrets and release give the same name. What only drives a deployment is left out. `release`: its name,
 * which is the version, unless that was reinstalled with other packages.
 */
export function generationName(spec: Spec, secrets: string, release = spec.version): string {
  const { partner: _partner, neighbour: _neighbour, force: _force, ...deciding } = spec;
  return createHash("sha256")
    .update(JSON.stringify([deciding, secrets, ...(release === spec.version ? [] : [release])]))
    .digest("hex")
    .slice(0, 16);
}

export function readGeneration(gateway: HostGateway, name: string): Generation | undefined {
  const dir = join(gateway.paths.generations, name);
  const spec = readJson<Spec>(join(dir, SPEC_FILE));
  const service = readJson<Service>(join(dir, SERVICE_FILE));
  return spec && service && { name, dir, spec, service };
}

export type Pointer = "current" | "good";

export function pointedAt(gateway: HostGateway, pointer: Pointer): Generation | undefined {
  const target = readLink(gateway.paths[pointer]);
  return target === undefined ? undefined : readGeneration(gateway, basename(target));
}

/** Points at a generation as soon as it is placed. */
export const readyPointer = (gateway: HostGateway, pointer: Pointer, generation: Generation): ReadyLink =>
  readyLink(gateway.paths[pointer], join("generations", generation.name));

export const unpoint = (gateway: HostGateway, pointer: Pointer): void => removeTree(gateway.paths[pointer]);

/** What `apply` is given. */
export interface Ordered {
  readonly spec: Spec;
  /** Of the secrets. */
  readonly nonce: string;
  /** Id of the release's lock. */
  readonly lock: string | undefined;
}

export const wantedRelease = ({ spec, lock }: Pick<Ordered, "spec" | "lock">): Wanted =>
  defined({
    version: spec.version,
    lock,
  });

/** Builds a generation beside the running one. It exists only when it is complete. */
export function stageGeneration(gateway: HostGateway, { spec, nonce, lock }: Ordered): Generation {
  const { paths, host } = gateway;
  const release = releaseDir(gateway, wantedRelease({ spec, lock }));
  const name = generationName(spec, nonce, basename(release));
  const existing = readGeneration(gateway, name);
  if (existing) return existing;
  const secrets = secretsFile(gateway, nonce);
  if (!existsSync(secrets)) throw missingSecrets(secrets);

  const access = readableBy(host.identity);
  makeDir(paths.generations);
  const staging = join(paths.generations, `${STAGING_PREFIX}${name}`);
  removeTree(staging);
  makeDir(staging, access);
  writeFile(join(staging, "openclaw.json"), `${JSON.stringify(spec.config, null, 2)}\n`, access);
  writeJson(join(staging, SPEC_FILE), spec, access);
  const service: Service = {
    node: process.execPath,
    entry: releaseEntry(release),
    // Not the workspace: the agent could replace that with a link to somebody else's directory.
    cwd: spec.stateDir,
    env: gatewayEnvironment(spec, {
      layout: host.layout,
      identity: host.identity,
      node: process.execPath,
      configPath: configFile(host.manage, gateway.id),
    }),
    secrets,
    maxOldSpaceSize: spec.maxOldSpaceSize ?? "adaptive",
  };
  writeJson(join(staging, SERVICE_FILE), service, access);
  renameSync(staging, join(paths.generations, name));
  return readGeneration(gateway, name)!;
}

/** Removes generations, secrets and releases that neither run nor are needed for going back. */
export function removeUnused(gateway: HostGateway): void {
  const kept = (["current", "good"] as const).flatMap((pointer) => pointedAt(gateway, pointer) ?? []);
  const names = new Set(kept.map(({ name }) => name));
  for (const name of entries(gateway.paths.generations))
    if (!names.has(name)) removeTree(join(gateway.paths.generations, name));
  const secrets = new Set(kept.map(({ service }) => basename(service.secrets)));
  for (const name of entries(gateway.paths.secrets))
    if (!secrets.has(name)) removeTree(join(gateway.paths.secrets, name));
  removeUnusedReleases(
    gateway,
    kept.map(({ spec, service }) => ({ version: spec.version, entry: service.entry })),
  );
}

/** Removes what killed programs left behind in a gateway's own directory. */
export function sweepGateway({ paths }: HostGateway): void {
  const jobs = entries(paths.jobs).map((job) => join(paths.jobs, job));
  for (const directory of [paths.dir, paths.secrets, ...jobs]) sweep(directory);
}
