/** What on a machine prevents a gateway. Changes nothing: preview and the claim on the host both call it. */
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { lookUp, uidOf } from "./accounts";
import { lstat, entries, parentOf, readLink, readJson } from "./files";
import type { OwnedClaim, Owner } from "../model/spec";
import {
  configFile,
  databasesOf,
  gatewayTag,
  gatewayPaths,
  gatewaysDir,
  isWithin,
  manageDir,
  STATE_OWNER_FILE,
  type HostLayout,
} from "../model/hostLayout";
import {
  conflictInWords,
  listensOn,
  type ClaimToCheck,
  type Found,
  type HostConflict,
  type Listener,
} from "../model/conflict";
import { ephemeralPorts, listeners } from "./listeners";
import { readStateOwner } from "./stateOwner";
import { othersOpenclawLocks } from "./openclawLocks";
import { carries, hasLostDatabase, ownerOf } from "./processes";
import { gatewayUnits, isOurUnit, unitName, unitDirectories, type Unit } from "./units";
import { closedOnWayTo, unsafeOnWayTo } from "./trusted";
import { isOurWrapper } from "./wrappers";
import { overlaps, portBlock } from "../model/ports";
import { defined } from "../model/defined";

/** What prevents each of the claims, in words. Changes nothing, so preview calls it too. */
export const findConflicts = (layout: HostLayout, claims: readonly ClaimToCheck[]): HostConflict[][] =>
  findWithoutWords(layout, claims).map((found, index) =>
    found.map((each) => conflictInWords(layout, claims[index]!, each)),
  );

/** Everything on this machine that prevents each of the claims, except what its owner mark already gives to the gateway. */
export function findWithoutWords(layout: HostLayout, claims: readonly ClaimToCheck[]): Found[][] {
  const manage = manageDir(layout.root);
  // All at once: finding the process behind a port is the slow part of a look.
  const units = gatewayUnits();
  const inUse = listeners((port) => claims.some((claim) => listensOn(claim, port)));
  return claims.map((claim) => [
    ...ownedElsewhere(manage, claim),
    ...unsafeRoot(layout, claim),
    ...insideOurs(manage, claim),
    ...closedPlaces(layout, claim),
    ...foreignState(layout, claim),
    ...foreignWorkspace(layout, claim),
    ...openclawLockConflicts(layout),
    ...foreignFiles(manage, claim),
    ...foreignService(manage, claim.id),
    ...foreignUnits(manage, claim, units),
    ...neighbours(manage, claim),
    ...foreignListeners(
      layout,
      claim,
      inUse.filter(({ port }) => listensOn(claim, port)),
    ),
  ]);
}

const named = ({ stack, gateway }: Owner) => ({ stack, gateway });

/** Whether a claim is of the gateway that is there. */
export function isSameOwner(mine: ClaimToCheck["owner"], theirs: Owner): boolean {
  // By id, even if stack and gateway were renamed; preview, which does not know the id, goes by the stack.
  return mine.id === undefined ? mine.stack === theirs.stack : mine.id === theirs.id;
}

function ownedElsewhere(manage: string, { id, owner }: ClaimToCheck): Found[] {
  const found = readJson<OwnedClaim>(gatewayPaths(manage, id).owner);
  if (!found || found.disowned || isSameOwner(owner, found.owner)) return [];
  return [{ is: "gateway", owner: named(found.owner) }];
}

/** Where root runs programs and creates directories, nobody else may lead it elsewhere. */
function unsafeRoot({ root, binDir, account }: HostLayout, claim: ClaimToCheck): Found[] {
  if (account === null) return [];
  const { stateDir, workspace, configPath } = claim;
  // What is in the state directory is created by the gateway's account.
  const byRoot = (path: string): string[] => (isWithin(path, stateDir) ? [] : [dirname(path)]);
  const trusted = [
    manageDir(root),
    // Members of the group that may own it there are root's equals. Source: Debian Policy 9.1.2.
    ...(isWithin(binDir, "/usr") ? [] : [binDir]),
    dirname(stateDir),
    ...byRoot(configPath),
    ...(lstat(workspace) ? [] : byRoot(workspace)),
  ];
  return [...new Set(trusted.flatMap(unsafeOnWayTo))].map((path) => ({ is: "unsafe", path }));
}

/** Directories that the gateway would lose with ours. */
const insideOurs = (manage: string, claim: ClaimToCheck): Found[] =>
  (["stateDir", "workspace"] as const)
    .filter((property) => isWithin(claim[property], manage) || isWithin(manage, claim[property]))
    .map((property) => ({ is: "inside", property }));

/** Directories that the gateway's account cannot reach, or this user cannot create. What is below the root is its host's. */
function closedPlaces({ root, account }: HostLayout, claim: ClaimToCheck): Found[] {
  const properties = (["stateDir", "workspace", "configPath"] as const).filter(
    (property) =>
      !isWithin(claim[property], root) && (property === "stateDir" || !isWithin(claim[property], claim.stateDir)),
  );
  const entry = account === null ? undefined : lookUp(account);
  return properties.flatMap((property): Found[] => {
    const directory = dirname(claim[property]);
    // The link to the configuration is for people.
    const [path] = account === null || property === "configPath" ? [] : closedOnWayTo(directory, entry);
    if (path !== undefined) return [{ is: "closed", property, path }];
    if (account !== null || lstat(claim[property])) return [];
    const { parent, state } = parentOf(directory);
    return state === "writable" ? [] : [{ is: "unwritable", property, path: parent }];
  });
}

function foreignState(layout: HostLayout, { id, stateDir, owner }: ClaimToCheck): Found[] {
  const stats = lstat(stateDir);
  const ours = readJson<OwnedClaim>(gatewayPaths(manageDir(layout.root), id).owner);
  // Our own directory says that it is this gateway's; what the other one says is in its agent's hands.
  const isOurs = ours !== undefined && (ours.disowned || isSameOwner(owner, ours.owner));
  if (!stats || (isOurs && ours.stateDir === stateDir)) return [];
  if (!stats.isDirectory()) return [{ is: "noDirectory" }];
  const mark = readStateOwner(join(stateDir, STATE_OWNER_FILE));
  if (!mark && entries(stateDir).length) return [{ is: "unownedState" }];
  const uid = uidOf(layout.account);
  if (uid !== undefined && stats.uid !== uid) return [{ is: "othersState" }];
  if (!mark) return [];
  const { id: stackId, ...mine } = owner;
  // Kept by a destroy: the same stack finds its data again, although its id is new.
  if (isSameOwner(mark.released ? mine : defined({ ...mine, id: stackId }), mark.owner)) return [];
  return [{ is: "ownedState", owner: named(mark.owner), kept: mark.released }];
}

/** An existing workspace may be anybody's work: it is used as it is, if the gateway can write to it. */
function foreignWorkspace({ account }: HostLayout, { workspace }: ClaimToCheck): Found[] {
  const stats = lstat(workspace);
  const uid = uidOf(account);
  // An account that does not exist yet gets the owner's id of data that was moved here; the claim checks again.
  if (!stats || uid === undefined || stats.uid === uid) return [];
  return [{ is: "othersWorkspace" }];
}

function openclawLockConflicts({ account }: HostLayout): Found[] {
  const uid = uidOf(account);
  const found = uid === undefined ? undefined : othersOpenclawLocks(uid);
  return found ? [{ is: "othersLocks", ...found }] : [];
}

function foreignFiles(manage: string, { id, wrapper, configPath }: ClaimToCheck): Found[] {
  const own = configFile(manage, id);
  return [
    ...(lstat(wrapper) && !isOurWrapper(manage, id, wrapper) ? [{ is: "wrapper" } as const] : []),
    ...(configPath !== own && lstat(configPath) && readLink(configPath) !== own ? [{ is: "config" } as const] : []),
  ];
}

/** A service that `openclaw gateway install` set up for the same profile. Source: measured unit names. */
function foreignService(manage: string, id: string): Found[] {
  const unit = unitName(id);
  return unitDirectories(homedir())
    .map(({ path }) => join(path, unit))
    .filter((path) => lstat(path) && !isOurUnit(manage, id, path))
    .map((path) => ({ is: "unit", path }));
}

/** Units of any name that will start another gateway on a port of this one, after the next reboot at the latest. */
const foreignUnits = (manage: string, claim: ClaimToCheck, units: readonly Unit[]): Found[] =>
  units
    .filter(({ path, port }) => port !== undefined && listensOn(claim, port) && !isOurUnit(manage, claim.id, path))
    .filter(({ path }) => basename(path) !== unitName(claim.id))
    .map(({ path, port }) => ({ is: "unitOnPort", path, port: port! }));

/**
 * Whether something of a deployed gateway was removed by somebody: its state directory, or the databases in it under the
 * running gateway; or our own directory, where the mark in its state directory says that it is deployed (inspect/look.sh sees
 * that too). It may keep running as an orphan.
 */
export function isLost({ root }: HostLayout, { id, stateDir, owner }: ClaimToCheck): boolean {
  const { dir, owner: file } = gatewayPaths(manageDir(root), id);
  const ours = readJson<OwnedClaim>(file);
  if (ours) return isSameOwner(owner, ours.owner) && !hasState(dir, ours);
  const mark = readStateOwner(join(stateDir, STATE_OWNER_FILE));
  return mark?.released === false && isSameOwner(owner, mark.owner);
}

/** Other processes with the mark, e.g. a command of its agent, do not count: `up` does not stop them. */
function hasState(gatewayDir: string, { stateDir, basePort }: OwnedClaim): boolean {
  if (!lstat(stateDir)) return false;
  return !listeners((port) => port === basePort).some(
    ({ pid }) =>
      pid !== undefined && carries(pid, gatewayTag(gatewayDir)) && hasLostDatabase(pid, databasesOf(stateDir)),
  );
}

/** Gateways of other stacks, or of other programs, below the same root. */
function neighbours(manage: string, claim: ClaimToCheck): Found[] {
  return entries(gatewaysDir(manage)).flatMap((id): Found[] => {
    const theirs = id === claim.id ? undefined : readJson<OwnedClaim>(gatewayPaths(manage, id).owner);
    // Gateways of this stack are compared by the program itself, with what they are about to become.
    if (!theirs || theirs.owner.stack === claim.owner.stack) return [];
    const owner = named(theirs.owner);
    const places = [theirs.stateDir, theirs.workspace, theirs.configPath];
    return [
      ...(overlaps(portBlock(theirs.basePort), portBlock(claim.basePort))
        ? [{ is: "ports", owner, basePort: theirs.basePort } as const]
        : []),
      ...(["stateDir", "workspace"] as const).flatMap((property) =>
        places
          .filter((path) => isWithin(claim[property], path) || isWithin(path, claim[property]))
          .map((path) => ({ is: "shared", property, path, owner }) as const),
      ),
    ];
  });
}

function foreignListeners({ root, account }: HostLayout, claim: ClaimToCheck, inUse: readonly Listener[]): Found[] {
  const manage = manageDir(root);
  // Its own gateway may be an orphan: it runs, but nothing here knows about it any more.
  const ids = [claim.id, ...entries(gatewaysDir(manage))];
  return inUse.flatMap((listener): Found[] => {
    const { port, pid } = listener;
    const isOf = (id: string): boolean =>
      pid !== undefined && ownerOf(pid) === uidOf(account) && carries(pid, gatewayTag(gatewayPaths(manage, id).dir));
    const holder = ids.find(isOf);
    const theirs = holder === undefined ? undefined : readJson<OwnedClaim>(gatewayPaths(manage, holder).owner)?.owner;
    // The gateway itself, even under the profile that it is about to give up.
    if (holder === claim.id || (theirs?.stack === claim.owner.stack && theirs.gateway === claim.owner.gateway))
      return [];
    if (theirs) return [{ is: "gatewaysPort", owner: named(theirs), port }];
    return [{ is: "port", listener, ephemeral: ephemeralPorts() }];
  });
}
