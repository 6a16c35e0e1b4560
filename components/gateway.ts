import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { describeToHost, findExistingMain } from "./existingMain";
import { stableValue } from "./outputs";
import { afterPreflight, checkedBotToken, currentProgram } from "./preflight";

import { checkOperatorOnly } from "./rules/operators";
import { MAIN_BASE_PORT, RESCUE_BASE_PORT, type GatewayPorts, type PortRange } from "../model/ports";
import type { Problem } from "./rules/problems";
import { resolveGateway } from "./rules/resolve";
import type { BesideArgs, GatewayInput } from "./rules/schemas";
import type { Partner, Target } from "./targets/target";
import type { ExistingGateway } from "../inspect/existingGateway";

import type { ExistingMainOutputs } from "../model/outputs";
import { GATEWAY_TOKEN_VARIABLE, BOT_TOKEN_VARIABLE } from "../model/secrets";

/** Arguments of {@link Gateway}. Everything but secrets is a plain value, so that preview can check it. */
export interface GatewayArgs extends GatewayInput {
  /**
   * Where the gateway runs.
   * @example new LocalHost("here")
   */
  readonly target: Target;
}

/** Bytes of randomness in a generated gateway token. */
const TOKEN_BYTES = 32;

/** How components of this package describe a gateway's place in them. */
interface Composition {
  /** Path of the arguments, for messages. Default: the resource's name. */
  readonly label?: string;
  /** The gateway that must be healthy before this one is taken down. */
  readonly partner?: Partner;
  /** The bot answers operators only. */
  readonly operatorOnly?: boolean;
  /** The gateway beside this one that no stack owns. */
  readonly neighbour?: Promise<ExistingGateway | undefined>;
}

/** The outputs of a {@link Gateway}. */
export interface GatewayOutputs {
  /**
   * Every port that the gateway may listen on, derived from its base port; all on loopback. In a container: gateway, canvas
   * and, if it is published, sandbox are ports on the engine's machine; the others are inside the container.
   */
  readonly ports: pulumi.Output<GatewayPorts>;
  /** The ports on its machine that belong to it alone: base … base + 110; for a container, the published ones. */
  readonly portBlock: pulumi.Output<PortRange>;
  /** HTTP address of the gateway and its Control UI on its host, e.g. `http://127.0.0.1:18789`. */
  readonly url: pulumi.Output<string>;
  /** Token that clients authenticate with. Generated once, and the same for every later `up`. Secret. */
  readonly token: pulumi.Output<string>;
  /** OpenClaw profile, `default` if none was given. */
  readonly profile: pulumi.Output<string>;
  /** OpenClaw version that is running and healthy. */
  readonly version: pulumi.Output<string>;
  /** State directory on the host, or in the container. */
  readonly stateDir: pulumi.Output<string>;
  /** Workspace of the default agent on the host, or in the container. */
  readonly workspace: pulumi.Output<string>;
  /** Where the gateway's configuration can be read on the host, or in the container. */
  readonly configPath: pulumi.Output<string>;
  /** OpenClaw's service name for the profile, e.g. `openclaw-gateway-rescue`; for a container, its name. */
  readonly serviceName: pulumi.Output<string>;
  /**
   * Command that runs OpenClaw's CLI for this gateway: on the host, e.g. `~/.local/bin/openclaw-rescue`; for a
   * gateway in a container, wherever docker runs, e.g. `docker exec openclaw-dev-openclaw-main openclaw`.
   */
  readonly wrapper: pulumi.Output<string>;
}

/**
 * One OpenClaw Gateway: its own configuration, state directory, workspace, port block, release, service and token.
 *
 * @example
 * const ops = new Gateway("ops", { target: here, version: "2026.9.6", profile: "ops", basePort: 20789 });
 */
export class Gateway extends pulumi.ComponentResource implements GatewayOutputs {
  readonly ports: GatewayOutputs["ports"];
  readonly portBlock: GatewayOutputs["portBlock"];
  readonly url: GatewayOutputs["url"];
  readonly token: GatewayOutputs["token"];
  readonly profile: GatewayOutputs["profile"];
  readonly version: GatewayOutputs["version"];
  readonly stateDir: GatewayOutputs["stateDir"];
  readonly workspace: GatewayOutputs["workspace"];
  readonly configPath: GatewayOutputs["configPath"];
  readonly serviceName: GatewayOutputs["serviceName"];
  readonly wrapper: GatewayOutputs["wrapper"];
  /**
   * Complete once the gateway is healthy; undefined if its arguments are refused.
   * @internal
   */
  readonly deployment: pulumi.Resource | undefined;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions);
  /** @internal */
  constructor(
    name: string,
    args: GatewayArgs,
    opts: pulumi.ComponentResourceOptions | undefined,
    composition: Composition,
  );
  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions, composition: Composition = {}) {
    super("openclaw:index:Gateway", name, {}, afterPreflight(opts));
    const declared = this.declareGateway(name, args, composition);
    this.deployment = declared?.deployment;
    const outputs = declared?.outputs ?? refused();
    this.ports = outputs.ports;
    this.portBlock = outputs.portBlock;
    this.url = outputs.url;
    this.token = outputs.token;
    this.profile = outputs.profile;
    this.version = outputs.version;
    this.stateDir = outputs.stateDir;
    this.workspace = outputs.workspace;
    this.configPath = outputs.configPath;
    this.serviceName = outputs.serviceName;
    this.wrapper = outputs.wrapper;
    const beside = composition.neighbour?.then(describeNeighbour);
    this.registerOutputs({ ...outputs, ...(beside && { beside }) });
  }

  /** Registers the gateway's resources; undefined if its arguments are refused. */
  private declareGateway(
    name: string,
    args: GatewayArgs,
    composition: Composition,
  ): { outputs: GatewayOutputs; deployment: pulumi.Resource } | undefined {
    const { target, ...rest } = args;
    const label = composition.label ?? name;
    const program = currentProgram();
    if (!target) {
      program.report([
        { path: `${label}.target`, reason: "is required", advice: 'add one, e.g. new LocalHost("here")' },
      ]);
      return undefined;
    }
    const { gateway, args: checked, problems } = resolveGateway(label, withoutUndefined(rest), target.layout, name);
    program.report(problems);
    if (!gateway || !checked) return undefined;
    if (composition.operatorOnly) program.report(checkOperatorOnly(gateway, checked));
    const botToken = checked.telegram?.botToken;
    const declared = { name, target, gateway, ...(botToken !== undefined && { botToken }) };
    program.declare(declared);

    const randomToken = pulumi.secret(randomBytes(TOKEN_BYTES).toString("hex"));
    const token = pulumi.secret(stableValue(`${name}-token`, randomToken, { parent: this }));
    const env: Record<string, pulumi.Input<string>> = { ...checked.env, [GATEWAY_TOKEN_VARIABLE]: token };
    if (botToken !== undefined) env[BOT_TOKEN_VARIABLE] = checkedBotToken(declared);
    const deployment = target.deploy(this, {
      name,
      gateway,
      env: pulumi.secret(pulumi.output(env)),
      ...(composition.partner && { partner: composition.partner }),
      ...(composition.neighbour && { existingMain: composition.neighbour.then(describeToHost) }),
    });

    // Known in preview, but resolved for dependents only once the gateway is healthy.
    const whenHealthy = (value: pulumi.Input<string>): pulumi.Output<string> =>
      pulumi.all([value, deployment.urn]).apply(([known]) => known);
    const outputs = {
      ports: deployment.urn.apply(() => gateway.ports),
      portBlock: deployment.urn.apply(() => gateway.portRange),
      url: whenHealthy(gateway.url),
      token: deployment.urn.apply(() => token),
      profile: whenHealthy(gateway.profile),
      version: whenHealthy(gateway.version),
      stateDir: whenHealthy(gateway.stateDir),
      workspace: whenHealthy(gateway.workspace),
      configPath: whenHealthy(gateway.configPath),
      serviceName: whenHealthy(gateway.serviceName),
      wrapper: whenHealthy(target.wrapperOf?.(gateway) ?? gateway.wrapper),
    };
    return { outputs, deployment };
  }
}

/** Outputs of a gateway whose arguments are refused: they never resolve, since the program ends first. */
function refused(): GatewayOutputs {
  const refusal: Promise<never> = currentProgram()
    .passed()
    .then(() => undefined as never);
  const never: pulumi.Output<never> = pulumi.output(refusal);
  return {
    ports: never,
    portBlock: never,
    url: never,
    token: never,
    profile: never,
    version: never,
    stateDir: never,
    workspace: never,
    configPath: never,
    serviceName: never,
    wrapper: never,
  };
}

/** Arguments of {@link MainGateway}: the base port has a default. */
export type MainGatewayArgs = Omit<GatewayArgs, "basePort"> & Partial<Pick<GatewayArgs, "basePort">>;

/**
 * The main gateway: default profile, base port 18789, state in `<root>/.openclaw`.
 *
 * @example
 * const main = new MainGateway("main", { target: here, version: "2026.9.6" });
 */
export class MainGateway extends Gateway {
  constructor(name: string, args: MainGatewayArgs, opts?: pulumi.ComponentResourceOptions);
  /** @internal */
  constructor(
    name: string,
    args: MainGatewayArgs,
    opts: pulumi.ComponentResourceOptions | undefined,
    composition: Composition,
  );
  constructor(
    name: string,
    args: MainGatewayArgs,
    opts?: pulumi.ComponentResourceOptions,
    composition: Composition = {},
  ) {
    super(name, { basePort: MAIN_BASE_PORT, ...withoutUndefined(args) }, opts, composition);
  }
}

/** Arguments of {@link RescueGateway}: base port and profile have defaults. */
export interface RescueGatewayArgs extends MainGatewayArgs {
  /**
   * Facts about a main gateway that no stack owns. Anything left out is looked up; if nothing is given and no such
   * gateway is found, there is none. Not allowed for the rescue gateway of a pair.
   * @default found on the machine
   * @example { stateDir: "/home/you/.openclaw" }
   */
  readonly beside?: BesideArgs;
}

/**
 * The rescue gateway: profile `rescue`, base port 19789, state in `<root>/.openclaw-rescue`, workspace inside it.
 * Its bot, if it has one, answers operators only: `telegram.allowFrom` is required.
 *
 * On its own, it runs beside a main gateway that no stack owns: its settings are checked against main, which is only
 * read, never changed, and must be up whenever the rescue gateway is taken down for a change.
 *
 * @example
 * const rescue = new RescueGateway("rescue", { target: here, version: "2026.9.6" });
 * export const howToHelpMain = rescue.beside;
 */
export class RescueGateway extends Gateway {
  /** The main gateway beside this one; `undefined` if there is none, and in a pair. */
  readonly beside: pulumi.Output<ExistingMainOutputs | undefined>;

  constructor(name: string, args: RescueGatewayArgs, opts?: pulumi.ComponentResourceOptions);
  /** @internal */
  constructor(
    name: string,
    args: RescueGatewayArgs,
    opts: pulumi.ComponentResourceOptions | undefined,
    composition: Composition,
  );
  constructor(
    name: string,
    args: RescueGatewayArgs,
    opts?: pulumi.ComponentResourceOptions,
    composition: Composition = {},
  ) {
    const { beside, ...rest } = args;
    const label = composition.label ?? name;
    const isAlone = composition.partner === undefined;
    if (!isAlone && beside !== undefined) currentProgram().report([besideInPair(label)]);
    const neighbour = isAlone && rest.target ? findExistingMain(label, rest.target, beside) : undefined;
    super(name, { profile: RESCUE_PROFILE, basePort: RESCUE_BASE_PORT, ...withoutUndefined(rest) }, opts, {
      ...composition,
      operatorOnly: true,
      ...(neighbour && { neighbour }),
    });
    this.beside = pulumi.output(neighbour?.then(describeNeighbour));
  }
}

export const RESCUE_PROFILE = "rescue";

const besideInPair = (label: string): Problem => ({
  path: `${label}.beside`,
  reason: "is only for a standalone rescue gateway; a pair has its own main gateway",
  advice: "remove it, or use RescueGateway instead of GatewayPair",
});

function describeNeighbour(main: ExistingGateway | undefined): ExistingMainOutputs | undefined {
  if (!main) return undefined;
  const { port, stateDir, workspace, configPath, command, restart } = main;
  const url = `http://127.0.0.1:${port}`;
  return { url, stateDir, workspace, configPath, command, ...(restart !== undefined && { restart }) };
}

/** An argument given as `undefined` counts as left out. */
function withoutUndefined<T extends object>(args: T): T {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as T;
}
