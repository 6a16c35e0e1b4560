import { homedir, totalmem, userInfo } from "node:os";
import { refusals } from "../../../model/recovery";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { groupsOf, homeOfUser, lookUp, passwdLine } from "../../../inspect/accounts";
import { machineHas } from "../../../inspect/needs";
import { needsOf, unmet } from "../../../model/needs";
import { findExistingGateway, type SearchResult, type GatewayFacts } from "../../../inspect/existingGateway";
import type { Conflict } from "../../../model/conflict";
import { expectedChange } from "../../../inspect/change";
import { findConflicts, isLost } from "../../../inspect/conflicts";
import { driftsOf } from "../../../inspect/drift";
import type { GatewayLocation } from "../../../model/requests";
import { gatewaysDir, hostCommand, hostFile, manageDir, type HostLayout } from "../../../model/hostLayout";
import { entries, parentOf, readJson } from "../../../inspect/files";
import { closedOnWayTo } from "../../../inspect/trusted";
import { hasSystemd, lingerConflict } from "../../../inspect/units";
import { afterPreflight, currentProgram } from "../../preflight";
import { targetArguments } from "../../given";
import { sandboxWarnings } from "../../rules/config/sandbox";
import { heapConflicts } from "../../rules/heap";
import { withoutStackTraces } from "../../outputs";
import { renderBootstrap } from "../bootstrap";
import {
  claimToCheck,
  deployOnHost,
  noteDrift,
  setUpHost,
  specOf,
  type CommandArgs,
  type CommandResource,
  type HostSetup,
  type HostTarget,
} from "../hostGateway";
import { hostShape, type HostArgs } from "../hostArguments";
import { layoutOf, misfits, type HostFacts } from "../hostLayout";
import { Losses } from "../losses";
import { Repairs } from "../repairs";
import { packageLocks } from "../packageLocks";
import { madeHere, type Deployed, type Deployment, type GatewayToCheck } from "../target";
import { defined } from "../../../model/defined";

export const localHostSchema = z.strictObject(hostShape);

/** Arguments of {@link LocalHost}. */
export type LocalHostArgs = HostArgs;

/**
 * This machine as a target: the one that runs the Pulumi program. Linux x64 or arm64.
 *
 * @example
 * const here = new LocalHost("here");
 */
export class LocalHost extends pulumi.ComponentResource implements HostTarget {
  /** @internal */
  readonly layout: HostLayout;
  readonly machine = "this machine";
  /** @internal */
  readonly address = undefined;
  /** @internal */
  readonly suffix = "";
  /** @internal */
  readonly setup: HostSetup;
  /** @internal */
  readonly losses: Losses;
  /** @internal */
  readonly repairs = new Repairs();

  constructor(name: string, args: LocalHostArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("openclaw:index:LocalHost", name, {}, afterPreflight(opts));
    madeHere(this);
    const example = '{ root: "/srv/claw" }';
    const checked = targetArguments({ target: this, name, args, schema: localHostSchema, example }) ?? {};
    this.layout = layoutOf(checked, process.getuid?.() === 0, homedir());
    const { integrity, registry } = checked;
    packageLocks().add(defined({ label: name, integrity, registry }));
    currentProgram().lookFor(this, () => misfits(name, this.layout, factsOf(this.layout), "on this machine"));

    this.losses = new Losses(name, manageDir(this.layout.root));
    this.setup = setUpHost(this, name, renderBootstrap(this.layout));
    this.registerOutputs({});
  }

  /** @internal */
  async findConflicts(gateways: readonly GatewayToCheck[]): Promise<Conflict[][]> {
    const claims = gateways.map(claimToCheck);
    const lost = claims.filter((claim) => isLost(this.layout, claim)).map(({ id }) => id);
    this.losses.note(lost);
    const changes = gateways.map(({ gateway }) => expectedChange(this.layout, gateway.id, specOf(gateway)));
    const drifts = await driftsOf(this.layout, claims, lost);
    gateways.forEach((each, index) => {
      currentProgram().expect(each, changes[index]);
      noteDrift(this, each, drifts[index]!);
    });
    const { account } = this.layout;
    const machine = machineHas();
    if (gateways.some(({ gateway }) => gateway.sandboxes)) {
      const user = { name: account ?? userInfo().username, groups: groupsOf(account) };
      for (const { gateway } of gateways)
        for (const warning of sandboxWarnings(gateway, machine.programs, user)) currentProgram().warn(warning);
    }
    const memory = totalmem() / 2 ** 20;
    return findConflicts(this.layout, claims).map((found, index) => [
      ...found,
      ...refusals(changes[index]),
      ...unmet(needsOf(gateways[index]!.gateway.config), machine),
      ...heapConflicts(gateways[index]!.gateway.maxOldSpaceSize, "host", memory),
    ]);
  }

  /** @internal */
  async findExistingGateway(facts: GatewayFacts): Promise<SearchResult> {
    const caller = process.getuid?.() === 0 ? homeOfUser(process.env["SUDO_USER"] ?? "") : undefined;
    const homes = new Set([homedir(), ...(caller === undefined ? [] : [caller]), this.layout.root]);
    return Promise.resolve(findExistingGateway(facts, [...homes]));
  }

  /** @internal */
  locate(id: string): GatewayLocation {
    return { id, program: hostCommand(this.layout.root) };
  }

  /** @internal */
  found(name: string): "down" | undefined {
    return this.repairs.isDown(name) ? "down" : undefined;
  }

  /** @internal */
  deploy(parent: pulumi.Resource, deployment: Deployment): Deployed {
    return deployOnHost(this, parent, deployment);
  }

  /** @internal */
  command(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): CommandResource {
    const { quiet, triggers, ...texts } = args;
    const inputs: local.CommandArgs = {
      ...texts,
      triggers: [...triggers],
      addPreviousOutputInEnv: false,
      ...(quiet && { logging: local.Logging.None }),
    };
    return withoutStackTraces(() => new local.Command(name, inputs, opts));
  }
}

/** This machine, as inspect/look.sh describes another. */
function factsOf({ root, binDir, account }: HostLayout): HostFacts {
  const manage = manageDir(root);
  return {
    user: userInfo().username,
    home: homedir(),
    systemd: hasSystemd(),
    linger: lingerConflict(),
    root: parentOf(root),
    binDir: parentOf(binDir),
    closed: account === null ? [] : closedOnWayTo(manage, lookUp(account)),
    former: entries(gatewaysDir(manage)).length ? readJson<HostLayout>(hostFile(manage)) : undefined,
    account: account === null ? undefined : passwdLine(account),
  };
}
