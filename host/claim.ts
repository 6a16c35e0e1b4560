/** Claims: a gateway takes possession of what is its on the host, and gives it up again. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { Identity } from "./account";
import { homeOf } from "./environment";
import { Failure } from "./failure";
import { entries, lstat, makeDir, readLink, removeTree, setLink, writeJson } from "./files";
import { findGateway, gatewaysBeside, openGateway, type Host, type HostGateway, type OwnedClaim } from "./host";
import { configFile, gatewayLogFile, gatewayPaths, isWithin } from "./layout";
import { writeMark } from "./mark";
import { findObstacles } from "./obstacles";
import type { Claim } from "./spec";
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
  makeDir(gatewayPaths(host.manage, id).dir);
  writeJson(gatewayPaths(host.manage, id).owner, owned);
  try {
    takePossession(host, id, claim, former);
  } catch (error) {
    // Pulumi records nothing of a claim that failed, so nothing of it may stay.
    if (!former) releaseClaim(openGateway(host, id));
    throw error;
  }
  return owned.claimId;
}

function takePossession(host: Host, id: string, claim: Claim, former: Claim | undefined): void {
  makeOwned(claim.stateDir, host.identity);
  // At once: a state directory with something in it and no mark is somebody else's.
  writeMark(claim.stateDir, { owner: claim.owner, released: false });
  makeOwned(claim.workspace, host.identity);
  makeOwned(homeOf(host.layout, claim.stateDir), host.identity);
  makeOwned(dirname(gatewayLogFile(claim.stateDir)), host.identity);
  const own = configFile(host.manage, id);
  if (former && former.stateDir !== claim.stateDir) writeMark(former.stateDir, { owner: claim.owner, released: true });
  if (former && former.wrapper !== claim.wrapper) removeWrapper(host.manage, id, former.wrapper);
  if (former && former.configPath !== claim.configPath) removeConfigLink(host.manage, id, former.configPath);
  writeWrapper(host.manage, id, claim.wrapper);
  if (claim.configPath !== own) {
    makeDir(dirname(claim.configPath));
    setLink(claim.configPath, own);
  }
}

function removeConfigLink(manage: string, id: string, path: string): void {
  if (readLink(path) === configFile(manage, id)) removeTree(path);
}

/** Creates a directory for the gateway, its owner's from the first moment; one that exists is left as it is. */
function makeOwned(path: string, identity: Identity): void {
  if (lstat(path)) return;
  makeDir(dirname(path));
  const temporary = fs.mkdtempSync(`${path}.`);
  fs.lchownSync(temporary, identity.uid, identity.gid);
  fs.renameSync(temporary, path);
}

/**
 * Gives up everything that is this gateway's on the host. State directory and workspace stay, marked as kept, unless
 * they were created for a gateway that never became healthy and the workspace is empty: nothing in them is a user's then.
 */
export function releaseClaim({ host, id, paths, claim }: HostGateway): void {
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
