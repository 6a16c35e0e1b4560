import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { GatewayLocation } from "../../../model/requests";
import { hostCommand, manageDir, quote, type HostLayout } from "../../../model/hostLayout";
import type { SearchResult, GatewayFacts } from "../../../inspect/existingGateway";
import type { Conflict } from "../../../model/conflict";
import type { Connection } from "../../../model/connection";
import { afterPreflight, currentProgram, refuse } from "../../preflight";
import { HOW_TO_GET, chooseHostKey } from "../../../ssh/hostKey";
import { targetArguments } from "../../given";
import { adviseOnHostKey } from "../../rules/schemas";
import { withoutStackTraces } from "../../outputs";
import { deployersRegistry, renderBootstrap } from "../bootstrap";
import {
  deployOnHost,
  noteDrift,
  identityOf,
  setUpHost,
  type CommandArgs,
  type CommandResource,
  type HostSetup,
  type HostTarget,
  type Parcel,
} from "../hostGateway";
import { layoutOf } from "../hostLayout";
import { Losses } from "../losses";
import { Repairs } from "../repairs";
import { madeHere, type Deployed, type Deployment, type GatewayToCheck } from "../target";
import { packageLocks } from "../packageLocks";
import { inspectHost } from "./inspectHost";
import { knownSoon } from "../../outputs";
import type { LookedAtHost } from "./hostProblems";
import { sshHostSchema, type CheckedSshHostArgs, type SshHostArgs } from "./arguments";
import { pushCommand } from "./push";
import { defined } from "../../../model/defined";

/** How long to try a host that does not answer: this long, once more than the limit, with pauses. */
const DIAL_TIMEOUT_SECONDS = 15;
const DIAL_LIMIT = 5;

/**
 * A host over SSH. Linux x64 or arm64; it needs neither Node.js nor npm, and nothing listens on it but SSH and, on
 * loopback, the gateways.
 *
 * @example
 * const box = new SshHost("box", { host: "203.0.113.7", privateKey, hostKey: "ssh-ed25519 AAAA…" });
 */
export class SshHost extends pulumi.ComponentResource implements HostTarget {
  /** @internal */
  readonly layout: HostLayout;
  readonly machine: string;
  /** @internal */
  readonly address: pulumi.Input<string>;
  /** @internal */
  readonly suffix: string;
  /** @internal */
  readonly setup: HostSetup;
  /** @internal */
  readonly losses: Losses;
  /** @internal */
  readonly repairs = new Repairs();
  private readonly connection: pulumi.Output<Connection>;
  private readonly sudo: boolean;
  private readonly push: boolean;
  private readonly lookedAt: LookedAtHost;

  constructor(name: string, args: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("openclaw:index:SshHost", name, {}, afterPreflight(opts));
    madeHere(this);
    const example = '{ host: "203.0.113.7", hostKey: "ssh-ed25519 AAAA…" }';
    const given = { name, args, schema: sshHostSchema, example, advised: adviseOnHostKey };
    // What is refused is never used: the program ends first.
    const checked: CheckedSshHostArgs = targetArguments({ target: this, ...given }) ?? { host: "", hostKey: "" };
    const { host, user = "root", port = 22 } = checked;
    this.sudo = user !== "root" && (checked.sudo ?? false);
    this.push = checked.push ?? false;
    this.layout = {
      ...layoutOf(checked, user === "root" || this.sudo, `/home/${user}`),
      ...(this.push && { push: true }),
    };
    const place = typeof host === "string" ? `${host}${port === 22 ? "" : `:${port}`}` : undefined;
    this.machine = place ?? `SshHost ${name}`;
    this.suffix = place === undefined ? "" : `@${place}`;
    this.address = pulumi.interpolate`${user}@${host}:${port}`;
    this.connection = pulumi.secret(connectionOf(name, checked));
    packageLocks().add(defined({ label: name, integrity: checked.integrity }));
    this.lookedAt = { name, layout: this.layout, sudo: this.sudo };

    const bootstrap = this.push
      ? renderBootstrap(this.layout)
      : pulumi
          .output(this.layout.registry ?? deployersRegistry())
          .apply((registry) => renderBootstrap({ ...this.layout, registry }));
    this.losses = new Losses(name, manageDir(this.layout.root));
    this.setup = setUpHost(this, name, bootstrap);
    this.registerOutputs({});
  }

  /** @internal */
  async findConflicts(gateways: readonly GatewayToCheck[]): Promise<readonly (readonly Conflict[])[]> {
    const program = currentProgram();
    const host = this.lookedAt;
    const connection = await knownSoon(this.connection);
    if (!connection)
      void pulumi.log.info(`${host.name}: its address or key is not known yet, so nothing on it was checked`);
    if (!connection) return gateways.map(() => []);
    const { problems, obstacles, warnings, lost, changes, drifts } = await inspectHost(host, connection, gateways);
    program.report(problems);
    this.losses.note(lost);
    gateways.forEach((gateway, index) => {
      program.expect(gateway, changes[index] ?? undefined);
      noteDrift(this, gateway, drifts[index] ?? []);
    });
    for (const warning of warnings) program.warn(warning);
    return obstacles;
  }

  /** @internal */
  findExistingGateway(facts: GatewayFacts): Promise<SearchResult> {
    if (Object.values(facts).every((fact) => fact === undefined)) return Promise.resolve(undefined);
    return Promise.resolve({
      property: "stateDir",
      reason: "a main gateway that no stack owns can only be described on this machine, not over SSH",
      advice: "run this program on that host itself, with LocalHost",
    });
  }

  /** @internal */
  locate(id: string): pulumi.Output<GatewayLocation> {
    const { sudo, layout } = this;
    return this.connection.apply((connection) => ({ id, program: hostCommand(layout.root), connection, sudo }));
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
  send(name: string, parcel: Parcel, opts: pulumi.CustomResourceOptions): pulumi.Resource[] {
    if (!this.push) return [];
    const { connection, sudo, layout } = this;
    return [
      pushCommand(name, { connection, sudo, manage: manageDir(layout.root), triggers: identityOf(this) }, parcel, opts),
    ];
  }

  /** @internal */
  command(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): CommandResource {
    const { quiet, triggers, create, delete: remove, stdin } = args;
    const inputs: remote.CommandArgs = {
      connection: this.connection,
      create: this.sudo ? pulumi.interpolate`sudo -n ${create}` : create,
      // This works with any login shell.
      ...(remove !== undefined && { delete: `${this.sudo ? "sudo -n " : ""}sh -c ${quote(remove)}` }),
      stdin,
      triggers: [...triggers],
      addPreviousOutputInEnv: false,
      ...(quiet && { logging: remote.Logging.None }),
    };
    return withoutStackTraces(() => new remote.Command(name, inputs, opts));
  }
}

function connectionOf(name: string, args: CheckedSshHostArgs): pulumi.Output<Connection> {
  const { proxy } = args;
  return pulumi.output({
    ...dialing(`${name}`, args),
    ...(proxy && { proxy: dialing(`${name}.proxy`, proxy) }),
  });
}

function dialing(path: string, args: Omit<CheckedSshHostArgs, "proxy">) {
  const { host, port = 22, user = "root", privateKey, privateKeyPassword, password, agentSocketPath } = args;
  return defined({
    host,
    port,
    user,
    privateKey,
    privateKeyPassword,
    password,
    agentSocketPath,
    hostKey: keyLine(`${path}.hostKey`, args.hostKey),
    dialErrorLimit: DIAL_LIMIT,
    perDialTimeout: DIAL_TIMEOUT_SECONDS,
  });
}

/** A key from another resource is checked once it is known; any other was checked with the arguments. */
function keyLine(path: string, hostKey: pulumi.Input<string>): pulumi.Input<string> {
  if (typeof hostKey === "string") return hostKeyLine(hostKey) ?? "";
  return pulumi
    .output(hostKey)
    .apply((text) =>
      Promise.resolve(
        hostKeyLine(text) ??
          refuse(
            [{ path, reason: "is not a public key that can be checked", advice: HOW_TO_GET }],
            "found before this host was contacted",
          ),
      ),
    );
}

function hostKeyLine(text: string): string | undefined {
  const key = chooseHostKey(text);
  return "line" in key ? key.line : undefined;
}
