/** Claims: a gateway takes possession of what is its on the host, and gives it up again. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Identity } from "./account";
import { homeOf } from "./environment";
import { Failure } from "./failure";
import { entries, lstat, makeDir, makeDirOf, readLink, removeTree, setLink, sweep, writeJson } from "./files";
import { findGateway, gatewaysBeside, type Host, type HostGateway, type OwnedClaim, type Place } from "./host";
import { configFile, gatewayLogFile, gatewayPaths, isWithin } from "./layout";
import { writeMark } from "./mark";
import { findObstacles } from "./obstacles";
import type { Claim } from "./spec";
import { attempt } from "./systemError";
import { removeWrapper, writeWrapper } from "./wrapper";

/** Takes possession: refuses what is not ours, then marks and creates what is. Returns the claim's id. */
export function claimGateway(host: Host, id: string, claim: Claim): string {
  const obstacles = findObstacles(host.layout, [{ ...claim, id }]).flat();
  if (obstacles.length)
    throw new Failure(
      `gateway ${id} was not touched:\n` +
        obstacles.map(({ property, reason, advice }) => `  ${property}: ${reason}\n    -> ${advice}`).join("\n"),
    );
  const former = findGateway(host, id)?.claim;
  const missing = [claim.stateDir, claim.workspace].filter((path) => !lstat(path));
  const owned: OwnedClaim = {
    ...claim,
    created: [...new Set([...(former?.created ?? []), ...missing])],
    claimId: former?.claimId ?? randomBytes(8).toString("hex"),
  };
  const paths = gatewayPaths(host.manage, id);
  try {
    makeDir(paths.dir);
    const left = former
      ? [...(former.leaving ?? []), placeOf(former)].filter((place) => !isSamePlace(place, claim))
      : [];
    writeJson(paths.owner, left.length ? { ...owned, leaving: left } : owned);
    takePossession(host, id, claim);
    for (const place of left) leave(host, id, place, claim);
    if (left.length) writeJson(paths.owner, owned);
  } catch (error) {
    // Pulumi records nothing of a claim that failed, so nothing of it may stay.
    if (!former) attempt(() => releaseClaim({ host, id, paths, claim: owned }));
    throw error;
  }
  return owned.claimId;
}

const placeOf = ({ stateDir, wrapper, configPath }: Place): Place => ({ stateDir, wrapper, configPath });

const isSamePlace = (one: Place, other: Place): boolean =>
  JSON.stringify(placeOf(one)) === JSON.stringify(placeOf(other));

/** Gives up a place, but for what the gateway has where it is now. Its data stays. */
function leave(host: Host, id: string, place: Place, { owner, ...now }: Claim): void {
  if (place.stateDir !== now.stateDir && lstat(place.stateDir)) writeMark(place.stateDir, { owner, released: true });
  if (place.wrapper !== now.wrapper) removeWrapper(host.manage, id, place.wrapper);
  if (place.configPath !== now.configPath) removeConfigLink(host.manage, id, place.configPath);
}

function takePossession(host: Host, id: string, claim: Claim): void {
  makeOwned(claim.stateDir, host.identity);
  // At once: a state directory with something in it and no mark is somebody else's.
  writeMark(claim.stateDir, { owner: claim.owner, released: false });
  makeOwned(claim.workspace, host.identity);
  makeOwned(homeOf(host.layout, claim.stateDir), host.identity);
  makeOwned(dirname(gatewayLogFile(claim.stateDir)), host.identity);
  const own = configFile(host.manage, id);
  writeWrapper(host.manage, id, claim.wrapper);
  if (claim.configPath !== own) {
    makeDir(dirname(claim.configPath));
    setLink(claim.configPath, own);
  }
}

function removeConfigLink(manage: string, id: string, path: string): void {
  sweep(dirname(path), basename(path));
  if (readLink(path) === configFile(manage, id)) removeTree(path);
}

/** Creates a directory for the gateway, its owner's from the first moment; one that exists is left as it is. */
function makeOwned(path: string, identity: Identity): void {
  if (lstat(path)) return;
  makeDir(dirname(path));
  makeDirOf(path, identity);
}

/**
 * Gives up everything that is this gateway's on the host. State directory and workspace stay, marked as kept, unless
 * they were created for a gateway that never became healthy and the workspace is empty: nothing in them is a user's then.
 */
export function releaseClaim({ host, id, paths, claim }: HostGateway): void {
  for (const place of claim.leaving ?? []) leave(host, id, place, claim);
  removeWrapper(host.manage, id, claim.wrapper);
  removeConfigLink(host.manage, id, claim.configPath);
  const wasHealthy = readLink(paths.good) !== undefined;
  // What took this one's place may have kept its directories.
  const used = gatewaysBeside(host, id).flatMap(({ claim: { stateDir, workspace } }) => [stateDir, workspace]);
  const isFree = (path: string): boolean => !used.some((other) => isWithin(other, path));
  if (wasHealthy || entries(claim.workspace).length) {
    if (lstat(claim.stateDir) && isFree(claim.stateDir))
      writeMark(claim.stateDir, { owner: claim.owner, released: true });
  } else {
    for (const path of claim.created.filter(isFree)) removeTree(path);
  }
  discard(host, id);
}

/** Lets the next stack that claims this gateway have it, as it is; it goes on running. */
export const disown = ({ paths, claim }: HostGateway): void =>
  writeJson(paths.owner, { ...claim, disowned: true } satisfies OwnedClaim);

/** Removes a gateway's directory in one step as seen from outside, then its content. */
export function discard(host: Host, id: string): void {
  const trash = join(host.manage, `.trash-${id}`);
  removeTree(trash);
  const { dir } = gatewayPaths(host.manage, id);
  if (lstat(dir)) fs.renameSync(dir, trash);
  removeTree(trash);
}
