/**
 * What prevents a gateway on a machine, and words for it. Pure: a host over SSH says what is there, and the deployer
 * puts into its own words what that means and what to do.
 */
import { dirname, join } from "node:path";
import { withAdvice } from "./failure";
import { hostCommand, manageDir, STATE_OWNER_FILE, type HostLayout } from "./hostLayout";
import { BLOCK_SIZE, contains, formatRange, LAST_OFFSET, portBlock } from "./ports";
import type { Claim, Owner } from "./spec";

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
  | { readonly is: "noDirectory" }
  | { readonly is: "unownedState" }
  | { readonly is: "othersState" }
  | { readonly is: "ownedState"; readonly owner: Named; readonly kept: boolean }
  | { readonly is: "othersWorkspace" }
  | { readonly is: "othersLocks"; readonly path: string; readonly uid: number }
  | { readonly is: "wrapper" }
  | { readonly is: "config" }
  | { readonly is: "unit"; readonly path: string }
  | { readonly is: "ports"; readonly owner: Named; readonly basePort: number }
  | {
      readonly is: "shared";
      readonly property: "stateDir" | "workspace";
      readonly path: string;
      readonly owner: Named;
    }
  | { readonly is: "gatewaysPort"; readonly owner: Named; readonly port: number }
  | { readonly is: "port"; readonly listener: Listener; readonly ephemeral: Ports };

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

/** OpenClaw's own locks are in a place where anybody may create the directory first. */
export const othersLocks = (path: string, uid: number): Pick<Conflict, "reason" | "advice"> => ({
  reason: `${path}, where OpenClaw keeps its locks, belongs to user ${uid}: OpenClaw cannot start`,
  advice: `find out who that is (id ${uid}) and why, then run: sudo rm -r ${path}`,
});

const described = ({ stack, gateway }: Named): string => `gateway ${gateway} of stack ${stack}`;

const portOf = (port: number, basePort: number): string =>
  `port ${port}, one of this gateway's ports ${formatRange(portBlock(basePort))}`;

export function inWords(layout: HostLayout, claim: ClaimToCheck, found: Found): HostConflict {
  const { id, owner, basePort, stateDir, workspace, wrapper, configPath } = claim;
  const manage = manageDir(layout.root);
  const account = layout.account ?? "$(id -un)";
  switch (found.is) {
    case "gateway": {
      const isNamesake = found.owner.stack === owner.stack && found.owner.gateway === owner.gateway;
      return {
        property: "profile",
        reason: isNamesake
          ? `this host already has a gateway ${id} from another stack of the same name (${found.owner.stack}), with other state`
          : `this host already has a gateway ${id}, which belongs to ${described(found.owner)}`,
        advice:
          "destroy it there, or use another profile here; if that stack's state is lost, let this one take it over: " +
          `${hostCommand(dirname(manage))} disown ${id}`,
      };
    }
    case "unsafe":
      return {
        property: "stateDir",
        ...inTrust(found.path),
      };
    case "inside":
      return {
        property: found.property,
        reason: `${claim[found.property]} and ${manage}, which is removed with the gateway, must not contain each other`,
        advice: "choose a directory outside it",
      };
    case "noDirectory":
      return { property: "stateDir", reason: `${stateDir} exists and is not a directory`, advice: "move it away" };
    case "unownedState":
      return {
        property: "stateDir",
        reason: `${stateDir} exists and no stack owns it: it may belong to a gateway that was set up by hand`,
        advice: `move it away (mv ${stateDir} ${stateDir}.before), or give this gateway another profile or stateDir`,
      };
    case "othersState":
      return {
        property: "stateDir",
        reason: `${stateDir} does not belong to the user that the gateway runs as`,
        advice: `chown -R ${account} ${stateDir}, or choose another directory`,
      };
    case "ownedState": {
      const markFile = join(stateDir, STATE_OWNER_FILE);
      const { id: _, ...named } = owner;
      const takeOver = JSON.stringify({ owner: named, released: true });
      return {
        property: "stateDir",
        reason: `${stateDir} ${found.kept ? "was kept for" : "belongs to"} ${described(found.owner)}`,
        advice:
          "use another profile or stateDir; or, if that stack is gone for good and this one may take over its data, run: " +
          `rm ${markFile} && echo '${takeOver}' > ${markFile}`,
      };
    }
    case "othersWorkspace":
      return {
        property: "workspace",
        reason: `${workspace} does not belong to the user that the gateway runs as`,
        advice: `chown -R ${account} ${workspace}, or choose another directory`,
      };
    case "othersLocks":
      return { property: "stateDir", ...othersLocks(found.path, found.uid) };
    case "wrapper":
      return {
        property: "profile",
        reason: `${wrapper} exists and is not this gateway's command`,
        advice: "remove it, or set another binDir for the target",
      };
    case "config":
      return {
        property: "configPath",
        reason: `${configPath} exists and was not put there by this gateway`,
        advice: "move it away, or leave configPath out",
      };
    case "unit":
      return {
        property: "profile",
        reason: `${found.path} runs a gateway with the same profile, which no stack owns or which is below another \`root\``,
        advice: "uninstall it (openclaw gateway uninstall), use another profile, or go back to the previous `root`",
      };
    case "ports":
      return {
        property: "basePort",
        reason: `its ports ${formatRange(portBlock(basePort))} overlap those of ${described(found.owner)} (${formatRange(portBlock(found.basePort))})`,
        advice: `use a basePort of ${found.basePort + BLOCK_SIZE} or higher`,
      };
    case "shared":
      return {
        property: found.property,
        reason: `${claim[found.property]} shares ${found.path} with ${described(found.owner)}`,
        advice: "give each gateway its own directories",
      };
    case "gatewaysPort":
      return {
        property: "basePort",
        reason: `${described(found.owner)} still listens on ${portOf(found.port, basePort)}`,
        advice: "change the other gateway's ports first, in a separate `up`",
      };
    case "port": {
      const { port } = found.listener;
      const { first, last } = found.ephemeral;
      return {
        property: "basePort",
        reason: `${describeListener(found.listener)} listens on ${portOf(port, basePort)}`,
        advice:
          port >= first && port <= last
            ? `use a basePort below ${first - LAST_OFFSET}: this machine hands out ports from ${first} upwards to any program`
            : "stop that program, or use another basePort",
      };
    }
  }
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
export interface LookInput {
  readonly format: 1;
  readonly layout: HostLayout;
  readonly claims: readonly ClaimToCheck[];
}

/** stdout of `look`: what prevents each of the claims, in their order. */
export interface LookAnswer {
  readonly found: readonly (readonly Found[])[];
  /** Gateways of which something was removed. */
  readonly lost: readonly string[];
}
