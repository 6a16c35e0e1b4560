/**
 * Generations: everything that decides how a gateway runs. What only a new process can change (version, environment, heap) is
 * a directory of its own, built beside the running one and switched by one rename; the configuration in it is replaced by
 * one rename while the gateway runs.
 *
 * `current` is what runs (or should run), `good` the last generation that passed its health gate. At rest they are
 * equal; after an interrupted deployment they differ, and the next one continues from there. While a configuration has been
 * replaced and is not yet proved, its predecessor lies beside it: a gateway that starts by itself meanwhile takes that.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, join } from "node:path";
import { gatewayEnvironment } from "./environment";
import {
  makeDir,
  readableBy,
  readyFile,
  readyLink,
  removeTree,
  renameFile,
  settleFile,
  sweep,
  writeFile,
  writeJson,
  type Ready,
} from "./files";
import { readApplied } from "../inspect/applied";
import { entries, isMissing, readEdited, readLink } from "../inspect/files";
import type { HostGateway } from "./host";
import { adaptiveHeap, heapFlag } from "../model/heap";
import { CONFIG_FILE, configFile, SERVICE_FILE, SPEC_FILE } from "../model/hostLayout";
import type { Wanted } from "../model/packageLock";
import { releaseDir, releaseEntry, removeUnusedReleases } from "./release";
import {
  filesOf,
  givenFile,
  nonceOfGiven,
  readGiven,
  readVariables,
  stagedSecrets,
  variablesFile,
  type Staged,
} from "./secrets";
import { GATEWAY_PASSWORD_VARIABLE, GATEWAY_TOKEN_VARIABLE, secretsFileOf, withSecretsFile } from "../model/secrets";
import type { JsonObject, Spec } from "../model/spec";
import { objectAt, valueAt } from "../model/json";
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
  /** Tells whether another configuration can run in the same process. Missing: in none, it is from before there was one. */
  readonly process?: string;
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
  /** With the configuration as OpenClaw reads it. */
  readonly spec: Spec;
  readonly service: Service;
}

/** What `CONFIG_FILE` was before a change that is not yet proved. */
const FORMER_CONFIG_FILE = "openclaw.json.former";
/** The same without the token. */
export const WITHHELD_CONFIG_FILE = "openclaw.withheld.json";
const STAGING_PREFIX = ".staging-";

/**
 * The same for everything that can run in one process. What only drives a deployment is left out. `variables`: nonce of its
 * secret environment; `release`: its name, which is the version, unless that was reinstalled with other packages.
 */
export function processOf({ config, ...spec }: Spec, variables: string, release: string): string {
  const { partner: _1, afterPartner: _2, neighbour: _3, force: _4, backups: _5, restoreFrom: _6, ...deciding } = spec;
  // What listens elsewhere is another gateway to everybody who knows this one's port.
  const text = JSON.stringify([deciding, valueAt(config, "gateway.port"), variables, release]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

const textOf = (config: JsonObject): string => `${JSON.stringify(config, null, 2)}\n`;

/** The configuration as the gateway reads it: with the file that it finds its secrets in. */
function configOf(gateway: HostGateway, { spec, nonce }: Ordered, { files }: Staged): JsonObject {
  return files ? withSecretsFile(spec.config, givenFile(gateway, nonce)) : spec.config;
}

export function readGeneration(gateway: HostGateway, name: string): Generation | undefined {
  const dir = join(gateway.paths.generations, name);
  const [spec, service, config] = [SPEC_FILE, SERVICE_FILE, CONFIG_FILE].map((file) => readEdited(join(dir, file))) as [
    Spec | undefined,
    Service | undefined,
    JsonObject | undefined,
  ];
  // One that somebody has made unreadable: OpenClaw goes on with what it has read before.
  const known = config && !Object.keys(config).length ? recordedConfig(gateway, name) : undefined;
  return spec && service && config && { name, dir, spec: { ...spec, config: known ?? config }, service };
}

function recordedConfig({ paths }: HostGateway, name: string): JsonObject | undefined {
  const applied = readApplied(paths.dir);
  return applied?.generation === name ? applied.config : undefined;
}

/** All secrets of a generation, by their names. */
export const secretsOf = (gateway: HostGateway, { spec, service }: Generation): Record<string, string> => ({
  ...readVariables(service.secrets),
  ...readGiven(gateway, givenTo(spec.config)),
});

/** Where they are. */
export function secretFilesOf(gateway: HostGateway, { spec, service }: Generation): string[] {
  const given = givenTo(spec.config);
  return [service.secrets, ...(given === undefined ? [] : filesOf(gateway, given))];
}

/** Nonce of the secrets that a configuration gives the gateway as a file. */
function givenTo(config: JsonObject): string | undefined {
  const path = secretsFileOf(config);
  return path === undefined ? undefined : nonceOfGiven(path);
}

export type Pointer = "current" | "good";

export function pointedAt(gateway: HostGateway, pointer: Pointer): Generation | undefined {
  const target = readLink(gateway.paths[pointer]);
  return target === undefined ? undefined : readGeneration(gateway, basename(target));
}

/** Points at a generation as soon as it is placed. */
export const readyPointer = (gateway: HostGateway, pointer: Pointer, generation: Generation): Ready =>
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

/** What a deployment wants to run. */
export interface WantedGeneration {
  readonly process: string;
  readonly config: JsonObject;
  readonly staged: Staged;
}

export function wantedGeneration(gateway: HostGateway, ordered: Ordered): WantedGeneration {
  const staged = stagedSecrets(gateway, ordered.nonce);
  const release = basename(releaseDir(gateway, wantedRelease(ordered)));
  return {
    process: processOf(ordered.spec, staged.variables, release),
    config: configOf(gateway, ordered, staged),
    staged,
  };
}

export const isSame = (one: Generation, { process, config }: WantedGeneration): boolean =>
  one.service.process === process && isSameConfig(one.spec.config, config);

const isSameConfig = (one: JsonObject, other: JsonObject): boolean => textOf(one) === textOf(other);

/** Builds a generation beside the running one, unless it is there (`isNew`: all the same). It exists only when it is complete. */
export function stageGeneration(
  gateway: HostGateway,
  ordered: Ordered,
  wanted: WantedGeneration,
  isNew: boolean,
): Generation {
  const { paths, host } = gateway;
  const { spec, lock } = ordered;
  const existing = (["current", "good"] as const).flatMap((pointer) => pointedAt(gateway, pointer) ?? []);
  const same = existing.find((each) => isSame(each, wanted));
  if (same && !isNew) return same;

  const access = readableBy(host.identity);
  makeDir(paths.generations);
  const name = `${wanted.process}-${randomBytes(4).toString("hex")}`;
  const staging = join(paths.generations, `${STAGING_PREFIX}${name}`);
  makeDir(staging, access);
  writeConfig(gateway, staging, wanted.config);
  const { config: _config, ...rest } = spec;
  writeJson(join(staging, SPEC_FILE), rest, access);
  const service: Service = {
    node: process.execPath,
    entry: releaseEntry(releaseDir(gateway, wantedRelease({ spec, lock }))),
    // Not the workspace: the agent could replace that with a link to somebody else's directory.
    cwd: spec.stateDir,
    env: gatewayEnvironment(spec, {
      layout: host.layout,
      identity: host.identity,
      node: process.execPath,
      configPath: configFile(host.manage, gateway.id),
    }),
    secrets: variablesFile(gateway, wanted.staged.variables),
    maxOldSpaceSize: spec.maxOldSpaceSize ?? "adaptive",
    process: wanted.process,
  };
  writeJson(join(staging, SERVICE_FILE), service, access);
  renameSync(staging, join(paths.generations, name));
  return readGeneration(gateway, name)!;
}

function writeConfig(gateway: HostGateway, dir: string, config: JsonObject): void {
  writeWithheld(gateway, dir, config);
  writeFile(join(dir, CONFIG_FILE), textOf(config), readableBy(gateway.host.identity));
}

function writeWithheld({ host }: HostGateway, dir: string, config: JsonObject): void {
  writeFile(join(dir, WITHHELD_CONFIG_FILE), withheldText(config), readableBy(host.identity));
}

/** Puts right what others have made of a generation's files, but for how it is run: that may have been read since. */
export function settleFiles({ host }: HostGateway, { dir, spec }: Generation): void {
  const access = readableBy(host.identity);
  settleFile(join(dir, CONFIG_FILE), textOf(spec.config), access);
  settleFile(join(dir, WITHHELD_CONFIG_FILE), withheldText(spec.config), access);
  for (const path of [SERVICE_FILE, SPEC_FILE].map((name) => join(dir, name)))
    settleFile(path, readFileSync(path, "utf8"), access);
}

/** A command line that must not have the token finds it in a variable, where something else is put. */
function withheldText(config: JsonObject): string {
  const gateway = objectAt(config, "gateway");
  const auth = Object.entries(objectAt(gateway, "auth")).map(([key, value]) => {
    const name = { token: GATEWAY_TOKEN_VARIABLE, password: GATEWAY_PASSWORD_VARIABLE }[key];
    return [key, name === undefined ? value : { source: "env", provider: "default", id: name }];
  });
  return textOf({ ...config, gateway: { ...gateway, auth: Object.fromEntries(auth) as JsonObject } });
}

/** A configuration without the token's value or a way to it; of a generation from before there was one: its own. */
export function withheldConfig({ dir }: Generation): string | undefined {
  const path = join(dir, WITHHELD_CONFIG_FILE);
  return existsSync(path) ? path : undefined;
}

/** The same process with another configuration. */
export const withConfig = (generation: Generation, config: JsonObject): Generation => ({
  ...generation,
  spec: { ...generation.spec, config },
});

/**
 * A configuration that takes the place of the running one when it is placed, in one rename. The former one lies beside it
 * from then on, until `keepConfig` or `putBackConfig`.
 */
export function readyConfig(gateway: HostGateway, { dir, spec }: Generation): Ready {
  const access = readableBy(gateway.host.identity);
  const path = join(dir, CONFIG_FILE);
  writeWithheld(gateway, dir, spec.config);
  const former = readyFile(join(dir, FORMER_CONFIG_FILE), readFileSync(path, "utf8"), access);
  const next = readyFile(path, textOf(spec.config), access);
  return {
    place() {
      former.place();
      next.place();
    },
    drop() {
      former.drop();
      next.drop();
    },
  };
}

/** The configuration is proved. Whether it was still there: a gateway that starts by itself takes the former one. */
export function keepConfig({ dir }: Generation): boolean {
  try {
    unlinkSync(join(dir, FORMER_CONFIG_FILE));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Undoes a change of the configuration that is not proved. Whether there was one. */
export function putBackConfig(gateway: HostGateway): boolean {
  const { current } = gateway.paths;
  return renameFile(join(current, FORMER_CONFIG_FILE), join(current, CONFIG_FILE));
}

/** Removes generations, secrets and releases that neither run nor are needed for going back. `others`: names of generations. */
export function removeUnused(gateway: HostGateway, others: readonly string[]): void {
  const kept = [
    ...(["current", "good"] as const).flatMap((pointer) => pointedAt(gateway, pointer) ?? []),
    ...others.flatMap((name) => readGeneration(gateway, name) ?? []),
  ];
  const names = new Set(kept.map(({ name }) => name));
  for (const name of entries(gateway.paths.generations))
    if (!names.has(name)) removeTree(join(gateway.paths.generations, name));
  const secrets = new Set(kept.flatMap((each) => secretFilesOf(gateway, each).map((file) => basename(file))));
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
  for (const directory of [paths.dir, paths.secrets, paths.current, ...jobs]) sweep(directory);
}
