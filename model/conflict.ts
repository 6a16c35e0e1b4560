/**
 * What forbids a gateway on a machine, and the words for it. Pure: a host over SSH says what is there, and the deployer
 * says in words of its own what that means and what to do.
 */
import { dirname, join } from "node:path";
import { hostCommand, manageDir, MARK_FILE, type HostLayout } from "./hostLayout";
import type { Claim, Owner } from "./spec";

/** Of a block of ports. */
export const LAST_PORT_OFFSET = 110;

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

export const listensOn = ({ basePort, extraPorts = [] }: ClaimToCheck, port: number): boolean =>
  (port >= basePort && port <= basePort + LAST_PORT_OFFSET) || extraPorts.includes(port);

type Named = Pick<Owner, "stack" | "gateway">;

/** What was found, without a word. */
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

/** What the machine hands out to programs that ask for any. */
interface Ports {
  readonly first: number;
  readonly last: number;
}

/** Somebody else than root can change a path that leads to programs which root runs. */
export const inTrust = (path: string): Pick<Obstacle, "reason" | "advice"> => ({
  reason: `${path} can be changed by others than root, who would have root run or write what they want`,
  advice: `chown -h root ${path} && chmod go-w ${path}, or choose directories elsewhere (\`root\`, \`stateDir\`, \`workspace\`)`,
});

/** OpenClaw's own locks are at a place where anybody may make a directory first. */
export const othersLocks = (path: string, uid: number): Pick<Obstacle, "reason" | "advice"> => ({
  reason: `${path}, where OpenClaw keeps its locks, belongs to user ${uid}: OpenClaw cannot start`,
  advice: `see who that is (id ${uid}) and why, then: sudo rm -r ${path}`,
});

const described = ({ stack, gateway }: Named): string => `gateway ${gateway} of stack ${stack}`;

const blockOf = (basePort: number): string => `${basePort}-${basePort + LAST_PORT_OFFSET}`;

const portOf = (port: number, basePort: number): string =>
  `port ${port}, which belongs to its ports ${blockOf(basePort)}`;

export function inWords(layout: HostLayout, claim: ClaimToCheck, found: Found): Obstacle {
  const { id, owner, basePort, stateDir, workspace, wrapper, configPath } = claim;
  const manage = manageDir(layout.root);
  const account = layout.account ?? "$(id -un)";
  switch (found.is) {
    case "gateway": {
      const isNamesake = found.owner.stack === owner.stack && found.owner.gateway === owner.gateway;
      return {
        property: "profile",
        reason: isNamesake
          ? `this host has a gateway ${id} from another stack of the same name (${found.owner.stack}), with other state`
          : `this host has a gateway ${id} that belongs to ${described(found.owner)}`,
        advice:
          "destroy it there, or use another profile here; if that stack's state is lost, this one may have it: " +
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
        reason: `${claim[found.property]} and ${manage}, which is removed with the gateway, lie inside each other`,
        advice: "choose a directory outside of it",
      };
    case "noDirectory":
      return { property: "stateDir", reason: `${stateDir} exists and is not a directory`, advice: "move it away" };
    case "unownedState":
      return {
        property: "stateDir",
        reason: `${stateDir} exists and no stack owns it: it may be a gateway that was set up by hand`,
        advice: `move it away (mv ${stateDir} ${stateDir}.before), or give this gateway another profile or stateDir`,
      };
    case "othersState":
      return {
        property: "stateDir",
        reason: `${stateDir} belongs to another user than the one that the gateway runs as`,
        advice: `chown -R ${account} ${stateDir}, or choose another directory`,
      };
    case "ownedState": {
      const markFile = join(stateDir, MARK_FILE);
      const { id: _, ...named } = owner;
      const takeOver = JSON.stringify({ owner: named, released: true });
      return {
        property: "stateDir",
        reason: `${stateDir} ${found.kept ? "was kept for" : "belongs to"} ${described(found.owner)}`,
        advice:
          "use another profile or stateDir; or, if that stack is gone for good and this one may have its data: " +
          `rm ${markFile} && echo '${takeOver}' > ${markFile}`,
      };
    }
    case "othersWorkspace":
      return {
        property: "workspace",
        reason: `${workspace} belongs to another user than the one that the gateway runs as`,
        advice: `chown -R ${account} ${workspace}, or choose another directory`,
      };
    case "othersLocks":
      return { property: "stateDir", ...othersLocks(found.path, found.uid) };
    case "wrapper":
      return {
        property: "profile",
        reason: `${wrapper} exists and is not this gateway's command`,
        advice: "remove it, or give the target another binDir",
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
        reason: `${found.path} runs a gateway of the same profile that no stack owns, or one below another \`root\``,
        advice: "uninstall it (openclaw gateway uninstall), use another profile, or go back to the former `root`",
      };
    case "ports":
      return {
        property: "basePort",
        reason: `its ports ${blockOf(basePort)} overlap those of ${described(found.owner)} (${blockOf(found.basePort)})`,
        advice: `use a base port from ${found.basePort + LAST_PORT_OFFSET + 1} up`,
      };
    case "shared":
      return {
        property: found.property,
        reason: `${claim[found.property]} shares ${found.path} with ${described(found.owner)}`,
        advice: "give each gateway directories of its own",
      };
    case "gatewaysPort":
      return {
        property: "basePort",
        reason: `${described(found.owner)} still listens on ${portOf(found.port, basePort)}`,
        advice: "change the other gateway's ports first, in an `up` of its own",
      };
    case "port": {
      const { port } = found.listener;
      const { first, last } = found.ephemeral;
      return {
        property: "basePort",
        reason: `${describeListener(found.listener)} listens on ${portOf(port, basePort)}`,
        advice:
          port >= first && port <= last
            ? `use a basePort below ${first - LAST_PORT_OFFSET}: this machine hands out ports from ${first} up to any program`
            : "end that program, or use another basePort",
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

/** stdout of `look`: what forbids each of the claims, in their order. */
export interface LookAnswer {
  readonly found: readonly (readonly Found[])[];
  /** Gateways of which something was removed. */
  readonly lost: readonly string[];
}
