/**
 * The resources of one gateway on a host, whatever channel the commands take.
 *
 * All texts here are stored in the state of deployed stacks and run again from there: changing one replaces or restarts
 * every gateway of every user. test/unit/frozen.test.ts pins them.
 */
import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { hostCommand, manageDir, quote, type HostLayout } from "../../model/hostLayout";
import type { ClaimToCheck } from "../../model/conflict";
import { driftInWords, isDown, type Drift } from "../../model/drift";
import type { PackageLock } from "../../model/packageLock";
import type { Claim, Secrets, Spec, ExistingMainSpec } from "../../model/spec";
import { stableValue } from "../outputs";
import { currentProgram } from "../preflight";
import { explicitPorts } from "../rules/isolation";
import type { ResolvedGateway } from "../rules/resolve";
import { answerOf, recoveryPointsOf } from "./answers";
import type { Bootstrap } from "./bootstrap";
import type { Losses } from "./losses";
import type { Repairs } from "./repairs";
import { partnerCommand } from "./partner";
import { packageLocks } from "./packageLocks";
import type { Deployed, Deployment, GatewayToCheck, Target } from "./target";
import { defined } from "../../model/defined";

/** What a command of either channel (this machine, SSH) is given. */
export interface CommandArgs {
  readonly create: pulumi.Input<string>;
  readonly delete?: string;
  readonly stdin: pulumi.Input<string>;
  readonly triggers: readonly pulumi.Input<string>[];
  readonly quiet?: boolean;
}

export interface CommandResource extends pulumi.Resource {
  readonly stdout: pulumi.Output<string>;
}

/** What a host must have before it can go on: Node.js and npm, or a release of one gateway. */
export type Parcel =
  | { readonly toolsAgain: HostSetup["again"] }
  | {
      readonly gateway: string;
      readonly version: string;
      readonly packages: pulumi.Input<string>;
      readonly claim: pulumi.Input<string>;
    };

/** A host target as its gateways see it. */
export interface HostTarget extends Target {
  /** @internal */
  readonly layout: HostLayout;
  /**
   * Identifies this host, e.g. root@203.0.113.7:22; part of every gateway's identity. Undefined: this machine.
   * @internal
   */
  readonly address: pulumi.Input<string> | undefined;
  /**
   * Suffix of a host's resource names: another host has other resources, which are created before those of the former
   * one are deleted. So a pair that moves is never down.
   * @internal
   */
  readonly suffix: string;
  /**
   * Random id of this stack on this host.
   * @internal
   */
  readonly setup: HostSetup;
  /** @internal */
  readonly losses: Losses;
  /** @internal */
  readonly repairs: Repairs;
  /** @internal */
  command(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): CommandResource;
  /**
   * Sends what the host does not download itself, if anything.
   * @internal
   */
  send?(name: string, parcel: Parcel, opts: pulumi.CustomResourceOptions): pulumi.Resource[];
}

/** What stays the same about a host for every later `up`. */
export interface HostSetup {
  /** The stack's id there. */
  readonly ownerId: pulumi.Output<string>;
  /** An extra argument for its commands, which then run again: empty until something is found to be lost there. */
  readonly again: pulumi.Output<string>;
}

/** Registers what a host needs before its first gateway. */
export function setUpHost(
  target: Pick<HostTarget, "layout" | "address" | "suffix" | "losses" | "command" | "send"> & pulumi.Resource,
  name: string,
  bootstrap: pulumi.Input<Bootstrap>,
): HostSetup {
  const { root } = target.layout;
  const again = stableValue(`${name}-repair`, "", { parent: target }, () => target.losses.reason).apply((reason) =>
    reason === "" ? "" : ` ${quote(reason)}`,
  );
  const { script, version } = pulumi.output(bootstrap);
  const sent = target.send?.(`${name}-push${target.suffix}`, { toolsAgain: again }, { parent: target }) ?? [];
  target.command(
    `${name}-program${target.suffix}`,
    {
      create: pulumi.interpolate`sh -s -- ${quote(manageDir(root))} ${version}${again}`,
      delete: ifInstalled(root, "leave"),
      // Not really secret: this keeps some thousand lines of program text out of `preview --diff`.
      stdin: pulumi.secret(script),
      triggers: identityOf(target),
    },
    { parent: target, deleteBeforeReplace: true, dependsOn: sent },
  );
  return { ownerId: stableValue(`${name}-owner`, randomUUID(), { parent: target }), again };
}

/** What identifies a host to a gateway: a change to any of it moves the gateway. */
export const identityOf = ({ address, layout }: Pick<HostTarget, "layout" | "address">): pulumi.Input<string>[] => [
  ...(address === undefined ? [] : [address]),
  manageDir(layout.root),
  layout.account ?? "",
];

export const stackName = (): string => `${organization()}/${pulumi.getProject()}/${pulumi.getStack()}`;

function organization(): string {
  try {
    return pulumi.getOrganization();
  } catch {
    return "organization"; // under mocks that set none; a file backend uses the same name
  }
}

/** Runs a verb of the host program if it is installed; otherwise does nothing. */
export const ifInstalled = (root: string, verb: string): string =>
  `if [ -x ${quote(hostCommand(root))} ]; then ${quote(hostCommand(root))} ${verb}; fi`;

/** Does nothing: a preview shows the beginning of the command that contains it when the gateway is to be removed. */
export const keeps = (path: string): string => `: keeps ${/^[\w./@:+-]+$/.test(path) ? path : quote(path)}`;

export function deployOnHost(target: HostTarget, parent: pulumi.Resource, deployment: Deployment): Deployed {
  const context = stepContext(target, parent, deployment);
  const { name, gateway, lock, target: host } = context;
  const claimed = claimSlot(context);
  const { slot, claimId } = claimed;
  const parcel = { gateway: gateway.id, version: gateway.version, packages: lock.packages, claim: claimId };
  const sent = host.send?.(context.resourceName("push"), parcel, { parent, dependsOn: [slot] }) ?? [];
  const staged = secretsCommand(context, claimed);
  const locked = packageLockCommand(context, claimed);
  // The nonce reveals nothing about the secrets; as a secret, it would hide the whole command from preview.
  const nonce = answerOf(staged, "id", name);
  const spec = specText(context);
  const before = [slot, staged, locked, ...sent];
  const asked = askPartner(context, [spec, claimId, nonce, lock.id], before);
  const resource = context.command(
    "deployment",
    {
      create: pulumi.interpolate`${context.program} apply-locked ${context.id} ${claimId} ${nonce} ${lock.id}${context.again}`,
      stdin: spec,
    },
    [...before, ...asked],
  );
  return { resource, recoveryPoints: recoveryPointsOf(resource) };
}

/** A preview says it, on the gateway's own line, and the `up` puts it right. */
export function noteDrift(
  { repairs }: Pick<HostTarget, "repairs">,
  { name, gateway }: GatewayToCheck,
  drifts: readonly Drift[],
): void {
  if (!drifts.length) return;
  currentProgram().notice(`${gateway.label}: ${driftInWords(drifts)}`);
  const kinds = [...new Set(drifts.map(({ is }) => is))];
  repairs.note(name, `put right: ${kinds.join(" ")}`, kinds.some(isDown));
}

/** What all steps share: the gateway, its host, and how its resources are called and registered. */
function stepContext(target: HostTarget, parent: pulumi.Resource, deployment: Deployment) {
  const { name, gateway, partner } = deployment;
  const suffix = suffixOf(target.suffix, name, gateway.id);
  // What identifies a gateway. A change to any of it means: remove the old one, then create the new one.
  const triggers = [...identityOf(target), gateway.id];
  const resourceName = (what: string): string => `${name}-${what}${suffix}`;
  const repair = target.repairs.reasonFor(name, suffix, "", { parent });
  const repairArgument = repair.apply((reason) => (reason === "" ? "" : ` ${quote(reason)}`));
  return {
    target,
    parent,
    deployment,
    name,
    gateway,
    repair,
    /** An extra argument for its commands, which then run again: empty until something of it, or of its host, has to be put right. */
    again: pulumi.interpolate`${target.setup.again}${repairArgument}`,
    repairArgument,
    lock: packageLocks().of(gateway.version, gateway.plugins),
    /** For a shell. */
    program: quote(hostCommand(target.layout.root)),
    id: quote(gateway.id),
    /** The partner on this host, which the host program asks itself. */
    partnerHere: partner?.target === target ? partner : undefined,
    partnerElsewhere: partner?.target === target ? undefined : partner,
    resourceName,
    command: (what: string, args: Omit<CommandArgs, "triggers">, dependsOn: pulumi.Resource[]): CommandResource =>
      target.command(resourceName(what), { ...args, triggers }, { parent, deleteBeforeReplace: true, dependsOn }),
  };
}
type StepContext = ReturnType<typeof stepContext>;

interface Claimed {
  readonly slot: pulumi.Resource;
  readonly claim: pulumi.Output<Claim>;
  readonly claimId: pulumi.Output<string>;
}

/** The name, the ports and the directories are this gateway's before anything is put there. */
function claimSlot(context: StepContext): Claimed {
  const { target, name, gateway, program, id, again } = context;
  const { ownerId } = target.setup;
  const claim = pulumi
    .all([ownerId, target.address])
    .apply(([ownerId, address]) => claimOf(name, gateway, ownerId, address));
  // Prints the claim's id. With it as an argument, the other two run again whenever the gateway is claimed again.
  const slot = context.command(
    "slot",
    {
      create: pulumi.interpolate`${program} claim ${id}${again}`,
      delete: removal(target.layout.root, id, name, gateway),
      stdin: claim.apply(toJson),
    },
    [target],
  );
  return { slot, claim, claimId: answerOf(slot, "id", name) };
}

function removal(root: string, id: string, name: string, { stateDir, purge }: ResolvedGateway): string {
  const remove = `remove ${id} ${quote(name)}`;
  return purge ? ifInstalled(root, `${remove} purge`) : `${keeps(stateDir)}; ${ifInstalled(root, remove)}`;
}

function secretsCommand(context: StepContext, { slot, claim, claimId }: Claimed): CommandResource {
  const { env, secrets } = context.deployment;
  return context.command(
    "secrets",
    {
      create: pulumi.interpolate`${context.program} stage-secrets ${context.id} ${claimId}${context.repairArgument}`,
      stdin: pulumi.secret(
        pulumi
          .all([env, secrets, claim])
          .apply(([env, files, claim]) => toJson({ format: 1, env, files, claim } satisfies Secrets)),
      ),
      quiet: true,
    },
    [slot],
  );
}

function packageLockCommand(context: StepContext, { slot, claim, claimId }: Claimed): CommandResource {
  const { version } = context.gateway;
  const { packages } = context.lock;
  return context.command(
    "lock",
    {
      create: pulumi.interpolate`${context.program} stage-lock ${context.id} ${claimId} ${quote(version)}`,
      // Not really secret: this keeps a hundred lines of hashes out of `preview --diff`. Its id is in the deployment.
      stdin: pulumi.secret(
        pulumi
          .all([packages, claim])
          .apply(([packages, claim]) => toJson({ format: 1, version, packages, claim } satisfies PackageLock)),
      ),
      quiet: true,
    },
    [slot],
  );
}

const specText = ({ gateway, partnerHere, deployment }: StepContext): pulumi.Output<string> =>
  pulumi.output(deployment.existingMain).apply((main) =>
    toJson({
      ...specOf(gateway, partnerHere?.id, main),
      ...(partnerHere?.provesVersion === gateway.version && { afterPartner: true }),
    } satisfies Spec),
  );

/** The partner on another target must be healthy when this gateway is taken down. */
function askPartner(
  context: StepContext,
  change: pulumi.Input<string>[],
  before: pulumi.Resource[],
): pulumi.Resource[] {
  const { target, name, gateway, lock, partnerElsewhere: partner, parent, repair } = context;
  if (!partner || gateway.force) return [];
  const all = pulumi.all([repair, ...change]).apply(([why, ...parts]) => (why === "" ? parts : [...parts, why!]));
  const asked = { target, name, gateway, lock: lock.id, partner, change: all };
  return [partnerCommand(context.resourceName("partner"), asked, { parent, dependsOn: before })];
}

/**
 * Suffix of a gateway's resource names: on another host, or under a profile that its name does not show, it has other
 * resources, which are created before the old ones are deleted.
 */
const suffixOf = (onHost: string, name: string, id: string): string =>
  `-${name}`.endsWith(`-${id}`) ? onHost : `${onHost || "@"}/${id}`;

function claimOf(name: string, gateway: ResolvedGateway, ownerId: string, address?: string): Claim {
  const { basePort, stateDir, workspace, configPath, wrapper } = gateway;
  return defined({
    format: 1,
    owner: { stack: stackName(), gateway: name, id: ownerId },
    basePort,
    stateDir,
    workspace,
    configPath,
    wrapper,
    address,
  });
}

/** A claim as preview can know it. */
export function claimToCheck({ name, gateway }: GatewayToCheck): ClaimToCheck {
  const { id, basePort, stateDir, workspace, configPath, wrapper } = gateway;
  const owner = { stack: stackName(), gateway: name };
  const extraPorts = explicitPorts(gateway).map(({ port }) => port);
  return { id, owner, basePort, stateDir, workspace, configPath, wrapper, extraPorts };
}

export function specOf(gateway: ResolvedGateway, partner?: string, neighbour?: ExistingMainSpec): Spec {
  const { version, profile, stateDir, workspace, config, maxOldSpaceSize, backups, restoreFrom, force } = gateway;
  return defined({
    format: 1,
    version,
    profile,
    stateDir,
    workspace,
    config,
    maxOldSpaceSize,
    partner,
    neighbour,
    backups,
    restoreFrom,
    ...(force && { force }),
  });
}

const toJson = (value: unknown): string => JSON.stringify(value);
