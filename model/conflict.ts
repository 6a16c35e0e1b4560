/**
 * What prevents a gateway on a machine, and words for it. Pure: a host over SSH says what is there, and the deployer
 * puts into its own words what that means and what to do.
 */
import { dirname, join } from "node:path";
import { withAdvice } from "./failure";
import { hostCommand, manageDir, STATE_OWNER_FILE, type HostLayout } from "./hostLayout";
import { BLOCK_SIZE, contains, formatRange, LAST_OFFSET, portBlock } from "./ports";
import type { Drift } from "./drift";
import type { ExpectedChange } from "./reload";
import type { Claim, Owner, Spec } from "./spec";

/** Something that is in the way of a gateway. */
export interface Conflict<Property extends string = string> {
  /** The gateway's property that it is about. */
  readonly property: Property;
  readonly reason: string;
  readonly advice: string;
}

/** The lines of a message about conflicts. */
export const listConflicts = (conflicts: readonly Conflict[]): string =>
  conflicts.map(({ property, reason, advice }) => withAdvice(`  ${property}: ${reason}`, advice)).join("\n");

/** On a host. */
export type HostConflict = Conflict<"basePort" | "stateDir" | "workspace" | "configPath" | "profile">;

/** A claim before the stack's id is known, as preview sees it. */
export type ClaimToCheck = Omit<Claim, "owner" | "format"> & {
  readonly id: string;
  readonly owner: Omit<Owner, "id"> & { readonly id?: string };
  /** Ports outside the block that the gateway will listen on. */
  readonly extraPorts?: readonly number[];
};

export const listensOn = ({ basePort, extraPorts = [] }: ClaimToCheck, port: number): boolean =>
  contains(portBlock(basePort), port) || extraPorts.includes(port);

type Named = Pick<Owner, "stack" | "gateway">;

/** What was found, not yet in words. */
export type Found =
  | { readonly is: "gateway"; readonly owner: Named }
  | { readonly is: "unsafe"; readonly path: string }
  | { readonly is: "inside"; readonly property: "stateDir" | "workspace" }
  | { readonly is: "closed"; readonly property: Place; readonly path: string }
  | { readonly is: "unwritable"; readonly property: Place; readonly path: string }
  | { readonly is: "noDirectory" }
  | { readonly is: "unownedState" }
  | { readonly is: "othersState" }
  | { readonly is: "ownedState"; readonly owner: Named; readonly kept: boolean }
  | { readonly is: "othersWorkspace" }
  | { readonly is: "othersLocks"; readonly path: string; readonly uid: number }
  | { readonly is: "wrapper" }
  | { readonly is: "config" }
  | { readonly is: "unit"; readonly path: string }
  | { readonly is: "unitOnPort"; readonly path: string; readonly port: number }
  | { readonly is: "ports"; readonly owner: Named; readonly basePort: number }
  | {
      readonly is: "shared";
      readonly property: "stateDir" | "workspace";
      readonly path: string;
      readonly owner: Named;
    }
  | { readonly is: "gatewaysPort"; readonly owner: Named; readonly port: number }
  | { readonly is: "port"; readonly listener: Listener; readonly ephemeral: Ports };

type Place = "stateDir" | "workspace" | "configPath";

/** The ports that the machine hands out to programs that ask for any free one. */
interface Ports {
  readonly first: number;
  readonly last: number;
}

/** Somebody other than root can change a path that leads to programs which root runs. */
export const inTrust = (path: string): Pick<Conflict, "reason" | "advice"> => ({
  reason: `${path} can be changed by users other than root, who could make root run or write anything`,
  advice: `chown -h root ${path} && chmod go-w ${path}, or choose directories elsewhere (\`root\`, \`stateDir\`, \`workspace\`)`,
});

/** A directory through which gateways cannot get. `isInUse`: they are there already. */
export const closed = (path: string, who: string, isInUse = false): Pick<Conflict, "reason" | "advice"> => ({
  reason: `${who} cannot enter ${path}`,
  advice: `let others through (chmod o+x ${path})${isInUse ? " again" : ", or choose a directory elsewhere"}`,
});

/** The gateways that are there were set up otherwise, and keep running like that. */
export const otherThanBefore = (manage: string, before: string, now: string): Pick<Conflict, "reason" | "advice"> => ({
  reason: `the gateways below ${manage} run as ${before}, not as ${now}`,
  advice: "deploy as before, use another `root`, or destroy those gateways first",
});

/** OpenClaw's own locks are in a place where anybody may create the directory first. */
export const othersOpenclawLocksProblem = (path: string, uid: number): Pick<Conflict, "reason" | "advice"> => ({
  reason: `${path}, where OpenClaw keeps its locks, belongs to user ${uid}: OpenClaw cannot start`,
  advice: `find out who that is (id ${uid}) and why, then run: sudo rm -r ${path}`,
});

const described = ({ stack, gateway }: Named): string => `gateway ${gateway} of stack ${stack}`;

const portOf = (port: number, basePort: number): string =>
  `port ${port}, one of this gateway's ports ${formatRange(portBlock(basePort))}`;

/** What the words are about. */
interface Context {
  readonly claim: ClaimToCheck;
  /** Our directory on the host. */
  readonly manage: string;
  /** The account that the gateway runs as, as a shell has it. */
  readonly account: string;
}

type Words = {
  readonly [Is in Found["is"]]: (found: Extract<Found, { readonly is: Is }>, context: Context) => HostConflict;
};

const WORDS: Words = {
  gateway({ owner }, { claim, manage }) {
    const isNamesake = owner.stack === claim.owner.stack && owner.gateway === claim.owner.gateway;
    return {
      property: "profile",
      reason: isNamesake
        ? `this host already has a gateway ${claim.id} from another stack of the same name (${owner.stack}), with other state`
        : `this host already has a gateway ${claim.id}, which belongs to ${described(owner)}`,
      advice:
        "destroy it there, or use another profile here; if that stack's state is lost, let this one take it over: " +
        `${hostCommand(dirname(manage))} disown ${claim.id}`,
    };
  },
  unsafe: ({ path }) => ({ property: "stateDir", ...inTrust(path) }),
  inside: ({ property }, { claim, manage }) => ({
    property,
    reason: `${claim[property]} and ${manage}, which is removed with the gateway, must not contain each other`,
    advice: "choose a directory outside it",
  }),
  closed: ({ property, path }, { account }) => ({
    property,
    ...closed(path, `the account ${account}, which the gateway runs as,`),
  }),
  unwritable: ({ property, path }, { claim }) => ({
    property,
    reason: `${claim[property]} cannot be created: ${path} is not a directory that this user can write to`,
    advice: "choose a directory that this user can create, or let an administrator create it and give it to this user",
  }),
  noDirectory: (_, { claim }) => ({
    property: "stateDir",
    reason: `${claim.stateDir} exists and is not a directory`,
    advice: "move it away",
  }),
  unownedState: (_, { claim: { stateDir } }) => ({
    property: "stateDir",
    reason: `${stateDir} exists and no stack owns it: it may belong to a gateway that was set up by hand`,
    advice: `move it away (mv ${stateDir} ${stateDir}.before), or give this gateway another profile or stateDir`,
  }),
  othersState: (_, { claim: { stateDir }, account }) => ({
    property: "stateDir",
    reason: `${stateDir} does not belong to the user that the gateway runs as`,
    advice: `chown -R ${account} ${stateDir}, or choose another directory`,
  }),
  ownedState({ owner, kept }, { claim }) {
    const markFile = join(claim.stateDir, STATE_OWNER_FILE);
    const { id: _, ...named } = claim.owner;
    const takeOver = JSON.stringify({ owner: named, released: true });
    return {
      property: "stateDir",
      reason: `${claim.stateDir} ${kept ? "was kept for" : "belongs to"} ${described(owner)}`,
      advice:
        "use another profile or stateDir; or, if that stack is gone for good and this one may take over its data, run: " +
        `rm ${markFile} && echo '${takeOver}' > ${markFile}`,
    };
  },
  othersWorkspace: (_, { claim: { workspace }, account }) => ({
    property: "workspace",
    reason: `${workspace} does not belong to the user that the gateway runs as`,
    advice: `chown -R ${account} ${workspace}, or choose another directory`,
  }),
  othersLocks: ({ path, uid }) => ({ property: "stateDir", ...othersOpenclawLocksProblem(path, uid) }),
  wrapper: (_, { claim }) => ({
    property: "profile",
    reason: `${claim.wrapper} exists and is not this gateway's command`,
    advice: "remove it, or set another binDir for the target",
  }),
  config: (_, { claim }) => ({
    property: "configPath",
    reason: `${claim.configPath} exists and was not put there by this gateway`,
    advice: "move it away, or leave configPath out",
  }),
  unit: ({ path }) => ({
    property: "profile",
    reason: `${path} runs a gateway with the same profile, which no stack owns or which is below another \`root\``,
    advice: "uninstall it (openclaw gateway uninstall), use another profile, or go back to the previous `root`",
  }),
  unitOnPort: ({ path, port }, { claim }) => ({
    property: "basePort",
    reason: `${path} starts another gateway on ${portOf(port, claim.basePort)}`,
    advice: "disable that unit and remove its file, or use another basePort",
  }),
  ports: ({ owner, basePort }, { claim }) => ({
    property: "basePort",
    reason: `its ports ${formatRange(portBlock(claim.basePort))} overlap those of ${described(owner)} (${formatRange(portBlock(basePort))})`,
    advice: `use a basePort of ${basePort + BLOCK_SIZE} or higher`,
  }),
  shared: ({ property, path, owner }, { claim }) => ({
    property,
    reason: `${claim[property]} shares ${path} with ${described(owner)}`,
    advice: "give each gateway its own directories",
  }),
  gatewaysPort: ({ owner, port }, { claim }) => ({
    property: "basePort",
    reason: `${described(owner)} still listens on ${portOf(port, claim.basePort)}`,
    advice: "change the other gateway's ports first, in a separate `up`",
  }),
  port: ({ listener, ephemeral: { first, last } }, { claim }) => ({
    property: "basePort",
    reason: `${describeListener(listener)} listens on ${portOf(listener.port, claim.basePort)}`,
    advice:
      listener.port >= first && listener.port <= last
        ? `use a basePort below ${first - LAST_OFFSET}: this machine hands out ports from ${first} upwards to any program`
        : "stop that program, or use another basePort",
  }),
};

export function conflictInWords(layout: HostLayout, claim: ClaimToCheck, found: Found): HostConflict {
  const inContext = WORDS[found.is] as (found: Found, context: Context) => HostConflict;
  return inContext(found, { claim, manage: manageDir(layout.root), account: layout.account ?? "$(id -un)" });
}

export interface Listener {
  readonly port: number;
  /** Unknown where the process belongs to another user. */
  readonly pid?: number;
  readonly command?: string;
}

/** A listener in words: `python3 (pid 4711)`. */
export const describeListener = ({ pid, command }: Listener): string =>
  pid === undefined ? "a process of another user" : `${command} (pid ${pid})`;

/** stdin of `look`. */
export interface HostLookRequest {
  readonly format: 1;
  readonly layout: HostLayout;
  readonly claims: readonly ClaimToCheck[];
  /** What the gateways are to be, in the same order. */
  readonly wanted: readonly Spec[];
}

/** stdout of `look`: what prevents each of the claims, in their order. */
export interface HostLookAnswer {
  readonly found: readonly (readonly Found[])[];
  /** Gateways of which something was removed. */
  readonly lost: readonly string[];
  /** What would change of each, in the same order. */
  readonly changes: readonly (ExpectedChange | null)[];
  /** What is not as the last deployment left it, of each. */
  readonly drifts: readonly (readonly Drift[])[];
}
