/** What on a machine forbids a gateway. Only looks: preview and the claim on the host call the same. */
import * as fs from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { uidOf } from "./account";
import { entries, lstat, readJson, readLink } from "./files";
import type { OwnedClaim } from "./host";
import {
  configFile,
  gatewayMark,
  gatewayPaths,
  gatewaysDir,
  hostCommand,
  isWithin,
  manageDir,
  MARK_FILE,
  type HostLayout,
} from "./layout";
import { describeListener, ephemeralPorts, listeners, type Listener } from "./listeners";
import { readMark } from "./mark";
import { carries } from "./processes";
import type { Claim, Owner } from "./spec";
import { isOurUnit, unitName } from "./supervisors/systemd";
import { unitDirectories } from "./units";
import { isOurWrapper } from "./wrapper";

const LAST_PORT_OFFSET = 110;

/** Something on the host that forbids a claim. */
export interface Obstacle {
  /** The claim's property that meets it. */
  readonly property: "basePort" | "stateDir" | "workspace" | "configPath" | "profile";
  readonly reason: string;
  readonly advice: string;
}

/** A claim before the stack's id is known, as preview sees it. */
export type ClaimToCheck = Omit<Claim, "owner" | "format"> & {
  readonly id: string;
  readonly owner: Omit<Owner, "id"> & { readonly id?: string };
  /** Ports outside the block that the gateway will listen on. */
  readonly extraPorts?: readonly number[];
};

/** stdin of `look`. */
export interface LookInput {
  readonly format: 1;
  readonly layout: HostLayout;
  readonly claims: readonly ClaimToCheck[];
}

/** stdout of `look`: the obstacles of each claim, in their order. */
export interface LookAnswer {
  readonly obstacles: readonly (readonly Obstacle[])[];
}

/**
 * Everything on this machine that forbids each of the claims. Only looks, so preview calls it too. What belongs to a
 * gateway already, by its owner mark, is no obstacle.
 */
export function findObstacles(layout: HostLayout, claims: readonly ClaimToCheck[]): Obstacle[][] {
  const manage = manageDir(layout.root);
  // All at once: finding the process behind a port is the slow part of a look.
  const inUse = listeners((port) => claims.some((claim) => listensOn(claim, port)));
  return claims.map((claim) => [
    ...ownedElsewhere(manage, claim),
    ...unsafeRoot(layout, claim),
    ...insideOurs(manage, claim),
    ...foreignState(layout, claim),
    ...foreignWorkspace(layout, claim),
    ...foreignFiles(manage, claim),
    ...foreignService(manage, claim.id),
    ...neighbours(manage, claim),
    ...foreignListeners(
      manage,
      claim,
      inUse.filter(({ port }) => listensOn(claim, port)),
    ),
  ]);
}

export const listensOn = ({ basePort, extraPorts = [] }: ClaimToCheck, port: number): boolean =>
  (port >= basePort && port <= basePort + LAST_PORT_OFFSET) || extraPorts.includes(port);

const describeOwner = ({ stack, gateway }: Pick<Owner, "stack" | "gateway">): string =>
  `gateway ${gateway} of stack ${stack}`;

function isSameOwner(mine: ClaimToCheck["owner"], theirs: Owner): boolean {
  // By id whatever stack and gateway were renamed to; preview, which does not know it, goes by the stack.
  return mine.id === undefined ? mine.stack === theirs.stack : mine.id === theirs.id;
}

function ownedElsewhere(manage: string, { id, owner }: ClaimToCheck): Obstacle[] {
  const path = gatewayPaths(manage, id).owner;
  const found = readJson<OwnedClaim>(path);
  if (!found || found.disowned || isSameOwner(owner, found.owner)) return [];
  const theirs = found.owner;
  const sameName = theirs.stack === owner.stack && theirs.gateway === owner.gateway;
  return [
    {
      property: "profile",
      reason: sameName
        ? `this host has a gateway ${id} from another stack of the same name (${theirs.stack}), with other state`
        : `this host has a gateway ${id} that belongs to ${describeOwner(theirs)}`,
      advice:
        "destroy it there, or use another profile here; if that stack's state is lost, this one may have it: " +
        `${hostCommand(dirname(manage))} disown ${id}`,
    },
  ];
}

/** As root, whoever may write above our directories could have root run a program of theirs. */
function unsafeRoot({ root, account }: HostLayout, { stateDir, configPath }: ClaimToCheck): Obstacle[] {
  if (account === null) return [];
  const trusted = new Set([root, dirname(stateDir), dirname(configPath)].flatMap((path) => ancestors(realPath(path))));
  return [...trusted].flatMap((path): Obstacle[] => {
    const stats = lstat(path);
    if (!stats) return [];
    const isSticky = (stats.mode & 0o1000) !== 0;
    if (stats.uid === 0 && ((stats.mode & 0o022) === 0 || isSticky)) return [];
    return [
      {
        property: "stateDir",
        reason: `${path} can be changed by others than root, and root would run programs below it`,
        advice: `chown root ${path} && chmod go-w ${path}, or choose another \`root\``,
      },
    ];
  });
}

/** A path and everything above it. */
const ancestors = (path: string): string[] => (path === "/" ? [path] : [path, ...ancestors(dirname(path))]);

/** A path without symbolic links, as far as it exists. */
function realPath(path: string): string {
  if (path === "/") return path;
  try {
    return fs.realpathSync(path);
  } catch {
    return join(realPath(dirname(path)), basename(path));
  }
}

/** Directories that the gateway would lose with ours. */
function insideOurs(manage: string, { stateDir, workspace }: ClaimToCheck): Obstacle[] {
  return Object.entries({ stateDir, workspace })
    .filter(([, path]) => isWithin(path, manage) || isWithin(manage, path))
    .map(([property, path]) => ({
      property: property as "stateDir" | "workspace",
      reason: `${path} and ${manage}, which is removed with the gateway, lie inside each other`,
      advice: "choose a directory outside of it",
    }));
}

function foreignState(layout: HostLayout, { id, stateDir, owner }: ClaimToCheck): Obstacle[] {
  const stats = lstat(stateDir);
  const ours = readJson<OwnedClaim>(gatewayPaths(manageDir(layout.root), id).owner);
  // Our own directory says that it is this gateway's; what stands in the other is in its agent's hands.
  const isOurs = ours !== undefined && (ours.disowned || isSameOwner(owner, ours.owner));
  if (!stats || (isOurs && ours.stateDir === stateDir)) return [];
  const found = (reason: string, advice: string): Obstacle[] => [{ property: "stateDir", reason, advice }];
  if (!stats.isDirectory()) return found(`${stateDir} exists and is not a directory`, "move it away");
  const markFile = join(stateDir, MARK_FILE);
  const mark = readMark(markFile);
  if (!mark && entries(stateDir).length) return [unownedState(stateDir)];
  const uid = uidOf(layout.account);
  if (uid !== undefined && stats.uid !== uid)
    return found(
      `${stateDir} belongs to another user than the one that the gateway runs as`,
      `chown -R ${layout.account ?? "$(id -un)"} ${stateDir}, or choose another directory`,
    );
  if (!mark) return [];
  const { id: stackId, ...named } = owner;
  // Kept by a destroy: the same stack finds its data again, although its id is new.
  if (isSameOwner(mark.released ? named : { ...named, ...(stackId !== undefined && { id: stackId }) }, mark.owner))
    return [];
  const takeOver = JSON.stringify({ owner: named, released: true } satisfies {
    owner: Partial<Owner>;
    released: boolean;
  });
  return found(
    `${stateDir} ${mark.released ? "was kept for" : "belongs to"} ${describeOwner(mark.owner)}`,
    "use another profile or stateDir; or, if that stack is gone for good and this one may have its data: " +
      `rm ${markFile} && echo '${takeOver}' > ${markFile}`,
  );
}

export const unownedState = (stateDir: string): Obstacle => ({
  property: "stateDir",
  reason: `${stateDir} exists and no stack owns it: it may be a gateway that was set up by hand`,
  advice: `move it away (mv ${stateDir} ${stateDir}.before), or give this gateway another profile or stateDir`,
});

/** A workspace that exists may be anybody's work: it is used as it is, where the gateway can write in it. */
function foreignWorkspace({ account }: HostLayout, { workspace }: ClaimToCheck): Obstacle[] {
  const stats = lstat(workspace);
  const uid = uidOf(account);
  // An account that is still to be created gets the number of data that was moved here; the claim looks again.
  if (!stats || uid === undefined || stats.uid === uid) return [];
  return [
    {
      property: "workspace",
      reason: `${workspace} belongs to another user than the one that the gateway runs as`,
      advice: `chown -R ${account ?? "$(id -un)"} ${workspace}, or choose another directory`,
    },
  ];
}

function foreignFiles(manage: string, { id, wrapper, configPath }: ClaimToCheck): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (lstat(wrapper) && !isOurWrapper(manage, id, wrapper))
    obstacles.push({
      property: "profile",
      reason: `${wrapper} exists and is not this gateway's command`,
      advice: "remove it, or give the target another binDir",
    });
  const own = configFile(manage, id);
  if (configPath !== own && lstat(configPath) && readLink(configPath) !== own)
    obstacles.push({
      property: "configPath",
      reason: `${configPath} exists and was not put there by this gateway`,
      advice: "move it away, or leave configPath out",
    });
  return obstacles;
}

/** A service that `openclaw gateway install` set up for the same profile. Source: measured unit names. */
function foreignService(manage: string, id: string): Obstacle[] {
  const unit = unitName(id);
  return unitDirectories(homedir())
    .map(({ path }) => join(path, unit))
    .filter((path) => lstat(path) && !isOurUnit(manage, id, path))
    .map(foreignUnit);
}

export const foreignUnit = (path: string): Obstacle => ({
  property: "profile",
  reason: `${path} runs a gateway of the same profile that no stack owns, or one below another \`root\``,
  advice: "uninstall it (openclaw gateway uninstall), use another profile, or go back to the former `root`",
});

/** Gateways of other stacks, or of other programs, below the same root. */
function neighbours(manage: string, claim: ClaimToCheck): Obstacle[] {
  return entries(gatewaysDir(manage)).flatMap((id): Obstacle[] => {
    const theirs = id === claim.id ? undefined : readJson<OwnedClaim>(gatewayPaths(manage, id).owner);
    // Gateways of this stack are compared by the program itself, with what they are about to become.
    if (!theirs || theirs.owner.stack === claim.owner.stack) return [];
    const whose = describeOwner(theirs.owner);
    const obstacles: Obstacle[] = [];
    if (Math.abs(theirs.basePort - claim.basePort) <= LAST_PORT_OFFSET)
      obstacles.push({
        property: "basePort",
        reason: `its ports ${claim.basePort}-${claim.basePort + LAST_PORT_OFFSET} overlap those of ${whose} (${theirs.basePort}-${theirs.basePort + LAST_PORT_OFFSET})`,
        advice: `use a base port from ${theirs.basePort + LAST_PORT_OFFSET + 1} up`,
      });
    for (const property of ["stateDir", "workspace"] as const)
      for (const path of [theirs.stateDir, theirs.workspace, theirs.configPath])
        if (isWithin(claim[property], path) || isWithin(path, claim[property]))
          obstacles.push({
            property,
            reason: `${claim[property]} shares ${path} with ${whose}`,
            advice: "give each gateway directories of its own",
          });
    return obstacles;
  });
}

function foreignListeners(manage: string, claim: ClaimToCheck, inUse: readonly Listener[]): Obstacle[] {
  const { basePort } = claim;
  return inUse.flatMap((listener): Obstacle[] => {
    const { port, pid } = listener;
    const holder = entries(gatewaysDir(manage)).find(
      (id) => pid !== undefined && carries(pid, gatewayMark(gatewayPaths(manage, id).dir)),
    );
    const theirs = holder === undefined ? undefined : readJson<OwnedClaim>(gatewayPaths(manage, holder).owner)?.owner;
    // The gateway itself, also under the profile that it is about to give up.
    if (holder === claim.id || (theirs?.stack === claim.owner.stack && theirs.gateway === claim.owner.gateway))
      return [];
    if (theirs)
      return [
        {
          property: "basePort",
          reason: `${describeOwner(theirs)} still listens on ${portOf(port, basePort)}`,
          advice: "change the other gateway's ports first, in an `up` of its own",
        },
      ];
    return [foreignListener(listener, basePort, ephemeralPorts())];
  });
}

const portOf = (port: number, basePort: number): string =>
  `port ${port}, which belongs to its ports ${basePort}-${basePort + LAST_PORT_OFFSET}`;

/** `ephemeral`: what the machine hands out to programs that ask for any port. */
export function foreignListener(
  listener: Listener,
  basePort: number,
  ephemeral: { readonly first: number; readonly last: number },
): Obstacle {
  const { port } = listener;
  const { first, last } = ephemeral;
  return {
    property: "basePort",
    reason: `${describeListener(listener)} listens on ${portOf(port, basePort)}`,
    advice:
      port >= first && port <= last
        ? `use a basePort below ${first - LAST_PORT_OFFSET}: this machine hands out ports from ${first} up to any program`
        : "end that program, or use another basePort",
  };
}
