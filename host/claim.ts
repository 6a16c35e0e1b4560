/** Claims: a gateway takes possession of what belongs to it on the host, and gives it up again. */
import { randomBytes } from "node:crypto";
import { renameSync, rmdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { asAccount } from "./account";
import { type Identity } from "../inspect/accounts";
import { compileCacheOf, homeOf } from "./environment";
import { Failure } from "../model/failure";
import { makeDir, makeDirOf, removeTree, setLink, sweep, writeJson } from "./files";
import { lstat, entries, readLink } from "../inspect/files";
import { findGateway, gatewaysBeside, type Host, type HostGateway } from "./host";
import { type OwnedClaim, type OutsidePaths, type Claim } from "../model/spec";
import { configFile, gatewayLogFile, gatewayPaths, isWithin, STATE_OWNER_FILE } from "../model/hostLayout";
import { writeStateOwner } from "./stateOwner";
import { findConflicts } from "../inspect/conflicts";
import { attempt } from "./systemError";
import { removeWrapper, writeWrapper } from "./wrapper";
import { listConflicts } from "../model/conflict";

/** Takes possession: refuses what is not ours, then marks and creates what is. Returns the claim's id. */
export function claimGateway(host: Host, id: string, claim: Claim): string {
  const obstacles = findConflicts(host.layout, [{ ...claim, id }]).flat();
  if (obstacles.length) throw new Failure(`gateway ${id} was not touched:\n` + listConflicts(obstacles));
  const former = findGateway(host, id)?.claim;
  const own = claim.configPath === configFile(host.manage, id);
  const missing = [claim.stateDir, ...ownDirectories(host, claim), ...(own ? [] : [dirname(claim.configPath)])];
  const owned: OwnedClaim = {
    ...claim,
    created: [...new Set([...(former?.created ?? []), ...missing.flatMap(missingOnWayTo)])],
    claimId: former?.claimId ?? randomBytes(8).toString("hex"),
  };
  const paths = gatewayPaths(host.manage, id);
  try {
    makeDir(paths.dir);
    const left = former
      ? [...(former.leaving ?? []), outsidePathsOf(former)].filter((place) => !isSamePlace(place, claim))
      : [];
    writeJson(paths.owner, left.length ? { ...owned, leaving: left } : owned);
    takePossession(host, id, claim);
    for (const place of left) giveUpPaths(host, id, place, claim);
    if (left.length) writeJson(paths.owner, owned);
  } catch (error) {
    // Pulumi records nothing about a failed claim, so nothing of it may stay.
    if (!former) attempt(() => releaseClaim({ host, id, paths, claim: owned }));
    throw error;
  }
  return owned.claimId;
}

const outsidePathsOf = ({ stateDir, wrapper, configPath }: OutsidePaths): OutsidePaths => ({
  stateDir,
  wrapper,
  configPath,
});

const isSamePlace = (one: OutsidePaths, other: OutsidePaths): boolean =>
  JSON.stringify(outsidePathsOf(one)) === JSON.stringify(outsidePathsOf(other));

/** Gives up a place, except what the gateway still uses there. Its data stays. */
function giveUpPaths(host: Host, id: string, place: OutsidePaths, { owner, ...now }: Claim): void {
  if (place.stateDir !== now.stateDir && lstat(place.stateDir))
    writeStateOwner(place.stateDir, { owner, released: true });
  if (place.wrapper !== now.wrapper) removeWrapper(host.manage, id, place.wrapper);
  if (place.configPath !== now.configPath) removeConfigLink(host, id, place);
}

function takePossession(host: Host, id: string, claim: Claim): void {
  makeDirectories(host, claim, true);
  const own = configFile(host.manage, id);
  writeWrapper(host.manage, id, claim.wrapper);
  if (claim.configPath !== own) linkConfig(own, claim, host.identity);
}

/** Recreates those of a gateway's directories that somebody has removed. */
export const restoreDirectories = ({ host, claim }: HostGateway): void => makeDirectories(host, claim, false);

function makeDirectories(host: Host, claim: Claim, isNew: boolean): void {
  const { stateDir, owner } = claim;
  makeOwned(stateDir, claim, host.identity);
  // Right away: a state directory that is not empty and has no mark counts as somebody else's.
  if (isNew || !lstat(join(stateDir, STATE_OWNER_FILE))) writeStateOwner(stateDir, { owner, released: false });
  for (const path of ownDirectories(host, claim)) makeOwned(path, claim, host.identity);
}

/** A path and its parents, as far as they do not exist. */
const missingOnWayTo = (path: string): string[] => (lstat(path) ? [] : [path, ...missingOnWayTo(dirname(path))]);

/** Directories that a gateway gets besides its state directory. */
const ownDirectories = ({ layout }: Pick<Host, "layout">, { stateDir, workspace }: Claim): string[] => [
  workspace,
  homeOf(layout, stateDir),
  dirname(gatewayLogFile(stateDir)),
  compileCacheOf(stateDir),
];

/** The gateway's agent can write below its state directory: there its account does what root does elsewhere. */
const isAgents = (path: string, { stateDir }: OutsidePaths): boolean => path !== stateDir && isWithin(path, stateDir);

function linkConfig(own: string, place: OutsidePaths, identity: Identity): void {
  const { configPath } = place;
  if (readLink(configPath) === own) return;
  if (isAgents(configPath, place))
    return asAccount(identity, 'mkdir -p "$(dirname "$1")"; ln -sfn "$2" "$1"', configPath, own);
  makeDir(dirname(configPath));
  setLink(configPath, own);
}

function removeConfigLink({ manage, identity }: Host, id: string, place: OutsidePaths): void {
  const { configPath } = place;
  if (!isAgents(configPath, place)) sweep(dirname(configPath), basename(configPath));
  if (readLink(configPath) !== configFile(manage, id)) return;
  if (isAgents(configPath, place)) asAccount(identity, 'rm -f "$1"', configPath);
  else removeTree(configPath);
}

/** Creates a directory with the right owner from the first moment; leaves an existing one as it is. */
function makeOwned(path: string, place: OutsidePaths, identity: Identity): void {
  if (lstat(path)) return;
  if (isAgents(path, place)) return asAccount(identity, 'mkdir -p "$1"', path);
  makeDir(dirname(path));
  makeDirOf(path, identity);
}

/**
 * Gives up everything that this gateway has on the host. State directory and workspace stay, marked as kept, except what
 * we created ourselves and is still empty. If the gateway never was healthy, returns what prevents their removal.
 */
export function releaseClaim({ host, id, paths, claim }: HostGateway): string[] {
  for (const place of claim.leaving ?? []) giveUpPaths(host, id, place, claim);
  removeWrapper(host.manage, id, claim.wrapper);
  removeConfigLink(host, id, claim);
  const wasHealthy = readLink(paths.good) !== undefined;
  // The gateway that replaced this one may still use its directories.
  const used = gatewaysBeside(host, id).flatMap(({ claim: { stateDir, workspace } }) => [stateDir, workspace]);
  const isFree = (path: string): boolean => !used.some((other) => isWithin(other, path));
  const created = claim.created.filter(isFree);
  const others = wasHealthy ? [] : otherThan(created, claim);
  if (!wasHealthy && !others.length) removeCreated(created, claim, host.identity);
  else if (lstat(claim.stateDir) && isFree(claim.stateDir))
    writeStateOwner(claim.stateDir, { owner: claim.owner, released: true });
  discard(host, id);
  return others;
}

/**
 * Removes what a gateway that is given up has learned, as its account: the state directory, and the workspace if that was made for
 * it. What another gateway uses stays.
 */
export function purge({ host, id, claim }: HostGateway): string[] {
  const { stateDir, workspace, created } = claim;
  const used = gatewaysBeside(host, id).flatMap((other) => [other.claim.stateDir, other.claim.workspace]);
  const isFree = (path: string): boolean => !used.some((other) => isWithin(other, path) || isWithin(path, other));
  const own = [stateDir, ...(created.includes(workspace) ? [workspace] : [])].filter(
    (path) => lstat(path) && isFree(path),
  );
  for (const path of own) {
    // What is somebody else's stays, and is named.
    asAccount(host.identity, 'find "$1" -mindepth 1 -delete 2>/dev/null || true', path);
    removeTree(join(path, STATE_OWNER_FILE));
  }
  // What was below the state directory is gone with it: there, a link could lead root elsewhere.
  const outside = created.filter((path) => !isAgents(path, claim) && own.some((top) => isWithin(top, path)));
  for (const path of outside.toSorted((one, other) => other.length - one.length)) attempt(() => rmdirSync(path));
  return own.filter((path) => lstat(path)).flatMap((path) => entries(path).map((name) => join(path, name)));
}

/** What is in directories that we created, but was not created by us. */
function otherThan(created: readonly string[], { stateDir }: OutsidePaths): string[] {
  const mark = join(stateDir, STATE_OWNER_FILE);
  const othersAt = (path: string): string[] => {
    const stats = lstat(path);
    if (!stats || path === compileCacheOf(stateDir) || (path === mark && stats.isFile())) return [];
    if (!stats.isDirectory() || !created.includes(path)) return [path];
    return entries(path).flatMap((name) => othersAt(join(path, name)));
  };
  return [...new Set(created.flatMap(othersAt))];
}

/** Only empty ones, even if somebody puts something there meanwhile. */
function removeCreated(created: readonly string[], claim: Claim, identity: Identity): void {
  const deepestFirst = created.toSorted((one, other) => other.length - one.length).filter((path) => lstat(path));
  const agents = deepestFirst.filter((path) => isAgents(path, claim));
  const cache = compileCacheOf(claim.stateDir);
  if (agents.includes(cache)) asAccount(identity, 'rm -rf "$1"', cache);
  const others = agents.filter((path) => path !== cache);
  if (others.length) asAccount(identity, 'rmdir "$@"', ...others);
  if (created.includes(claim.stateDir)) removeTree(join(claim.stateDir, STATE_OWNER_FILE));
  for (const path of deepestFirst.filter((each) => !agents.includes(each))) attempt(() => rmdirSync(path));
}

/** Lets the next stack that claims this gateway take it over as it is; it keeps running. */
export const disown = ({ paths, claim }: HostGateway): void =>
  writeJson(paths.owner, { ...claim, disowned: true } satisfies OwnedClaim);

/** Removes a gateway's directory in one step as seen from outside, then its content. */
export function discard(host: Host, id: string): void {
  const trash = join(host.manage, `.trash-${id}`);
  removeTree(trash);
  const { dir } = gatewayPaths(host.manage, id);
  if (lstat(dir)) renameSync(dir, trash);
  removeTree(trash);
}
