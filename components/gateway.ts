import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { describeToHost, findExistingMain } from "./existingMain";
import { stableValue } from "./outputs";
import { afterPreflight, checkedBotToken, currentProgram, TELEGRAM } from "./preflight";
import { schemaOf } from "./openclawSchema";
import { botsOf } from "./rules/config/bots";
import { eachPlaceOnce } from "./rules/config/check";
import { unknownPlugins } from "./rules/config/plugins";
import { schemaProblems } from "./rules/config/schema";
import { exposeProblems, exposeWarnings, signsIn } from "./rules/expose";
import { checkOperatorOnly, ownerless } from "./rules/operators";
import { MAIN_BASE_PORT, RESCUE_BASE_PORT, type GatewayPorts, type PortRange } from "../model/ports";
import { notTested } from "../model/versions";
import type { Problem } from "./rules/problems";
import { resolveGateway, type ResolvedGateway } from "./rules/resolve";
import type { CheckedGatewayArgs } from "./rules/schemas";
import type { GatewayArgs, MainGatewayArgs, RescueGatewayArgs } from "./arguments";
import { GATEWAY_EXAMPLE, isArguments, notArguments, notTarget } from "./given";
import { isOfThisCopy, type Partner } from "./targets/target";
import type { ExistingGateway } from "../inspect/existingGateway";
import type { ExistingMainOutputs } from "../model/outputs";
import { BOT_TOKEN_VARIABLE, tokenVariable } from "../model/secrets";
import { defined } from "../model/defined";

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
  /** What it is given is refused already: nothing of it is declared. */
  readonly isRefused?: boolean;
  /** The gateway beside this one that no stack owns. */
  readonly existingMain?: Promise<ExistingGateway | undefined>;
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
  /**
   * Ids of its recovery points after the last change of it, newest first: what `restoreFrom` takes. Those made by hand since are
   * in the list of `host backups`. Empty in a container.
   */
  readonly recoveryPoints: pulumi.Output<readonly string[]>;
}

/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type --
   the constructor assigns every output, so that their names are not repeated here */
export interface Gateway extends GatewayOutputs {}

/**
 * One OpenClaw Gateway: its own configuration, state directory, workspace, port block, release, service and token.
 *
 * @example
 * const ops = new Gateway("ops", { target: here, version: "2026.9.6", profile: "ops", basePort: 20789 });
 */
export class Gateway extends pulumi.ComponentResource {
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
    const outputs = outputsOf(declared?.known ?? neverKnown());
    Object.assign(this, outputs);
    const existingMain = composition.existingMain?.then(toOutputs);
    this.registerOutputs(defined({ ...outputs, existingMain }));
  }

  /** Registers the gateway's resources; undefined if its arguments are refused. */
  private declareGateway(
    name: string,
    args: GatewayArgs,
    composition: Composition,
  ): { known: pulumi.Output<Known>; deployment: pulumi.Resource } | undefined {
    const label = composition.label ?? name;
    const program = currentProgram();
    if (composition.isRefused) return undefined;
    const { target, ...rest } = isArguments(args) ? args : ({} as GatewayArgs);
    const wrong = isArguments(args) ? notTarget(`${label}.target`, target) : notArguments(label, args, GATEWAY_EXAMPLE);
    if (wrong) {
      program.report([wrong]);
      return undefined;
    }
    const { gateway, args: checked, refused, problems } = resolveGateway(label, defined(rest), target.layout, name);
    if (!gateway || !checked) {
      program.report(problems);
      return undefined;
    }
    const isRescue = composition.operatorOnly === true;
    reportOn(label, gateway, checked, { problems, refused, isRescue });
    const telegramToken = checked.telegram?.botToken;
    const bot = telegramToken && { path: `${label}.telegram.botToken`, channel: TELEGRAM, token: telegramToken };
    const bots = [
      ...(bot ? [bot] : []),
      ...botsOf(checked.config ?? {}, { ...checked.env, ...checked.secrets }, `${label}.config`),
    ];
    const declared = { name, target, gateway, bots, isRescue, notices: ownerless(gateway, checked) };
    program.declare(declared);

    const randomToken = pulumi.secret(randomBytes(TOKEN_BYTES).toString("hex"));
    const token = pulumi.secret(stableValue(`${name}-token`, randomToken, { parent: this }));
    const ofEvery = { [tokenVariable(signsIn(checked.expose))]: token };
    const secrets: Record<string, pulumi.Input<string>> = { ...checked.secrets, ...ofEvery };
    if (bot) secrets[BOT_TOKEN_VARIABLE] = checkedBotToken(declared, bot);
    const { resource: deployment, recoveryPoints = pulumi.output([]) } = target.deploy(
      this,
      defined({
        name,
        gateway,
        env: pulumi.secret(pulumi.output(checked.env ?? {})),
        secrets: pulumi.secret(pulumi.output(secrets)),
        partner: isOfThisCopy(composition.partner?.target) ? composition.partner : undefined,
        existingMain: composition.existingMain?.then(describeToHost),
      }),
    );

    // Known in preview, but resolved for dependents only once the gateway is healthy.
    const wrapper = pulumi.output(target.wrapperOf?.(gateway) ?? gateway.wrapper);
    return { known: deployment.urn.apply(() => ({ gateway, token, wrapper, recoveryPoints })), deployment };
  }
}

/**
 * What is wrong with arguments together, and what should be known of them. `problems`: of each alone; `refused`: arguments that
 * are not good.
 */
function reportOn(
  label: string,
  gateway: ResolvedGateway,
  args: CheckedGatewayArgs,
  {
    problems,
    refused,
    isRescue,
  }: { readonly problems: readonly Problem[]; readonly refused: readonly string[]; readonly isRescue: boolean },
): void {
  const program = currentProgram();
  const isContainer = gateway.isContainer === true;
  const { version, config } = gateway;
  if (refused.includes("version")) program.report(problems);
  else {
    const warning = notTested(version);
    if (warning !== undefined) program.warn(warning);
    const schema = schemaOf(version);
    program.report(eachPlaceOnce(problems, schema ? schemaProblems(config, schema, version, `${label}.config`) : []));
    if (schema && !refused.includes("plugins")) program.report(unknownPlugins(args, `${label}.config`, isContainer));
  }
  if (args.expose) {
    program.report(
      exposeProblems(args.expose, `${label}.expose`, { isContainer, isRescue, ...defined({ mounts: args.mounts }) }),
    );
    for (const warning of exposeWarnings(args.expose, `${label}.expose`, { isContainer, config }))
      program.warn(warning);
  }
  if (isRescue) program.report(checkOperatorOnly(gateway, args));
}

/** Of a gateway whose arguments are refused: never known, since the program ends first. */
function neverKnown(): pulumi.Output<never> {
  const refusal: Promise<never> = currentProgram()
    .passed()
    .then(() => undefined as never);
  return pulumi.output(refusal);
}

/** What a gateway's outputs are made of. */
interface Known {
  readonly gateway: ResolvedGateway;
  readonly token: pulumi.Output<string>;
  readonly wrapper: pulumi.Output<string>;
  readonly recoveryPoints: pulumi.Output<string[]>;
}

const outputsOf = (known: pulumi.Output<Known>): GatewayOutputs => ({
  ports: known.apply(({ gateway }) => gateway.ports),
  portBlock: known.apply(({ gateway }) => gateway.portRange),
  url: known.apply(({ gateway }) => gateway.url),
  token: known.apply(({ token }) => token),
  profile: known.apply(({ gateway }) => gateway.profile),
  version: known.apply(({ gateway }) => gateway.version),
  stateDir: known.apply(({ gateway }) => gateway.stateDir),
  workspace: known.apply(({ gateway }) => gateway.workspace),
  configPath: known.apply(({ gateway }) => gateway.configPath),
  serviceName: known.apply(({ gateway }) => gateway.serviceName),
  wrapper: known.apply(({ wrapper }) => wrapper),
  recoveryPoints: known.apply(({ recoveryPoints }) => recoveryPoints),
});

/**
 * The main gateway: default profile, base port 18789, state in `<root>/.openclaw`. Takes the arguments of a Gateway.
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
    super(name, withDefaults({ basePort: MAIN_BASE_PORT }, args), opts, composition);
  }
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
 * export const howToHelpMain = rescue.existingMain;
 */
export class RescueGateway extends Gateway {
  /** The main gateway beside this one; `undefined` if there is none, and in a pair. */
  readonly existingMain: pulumi.Output<ExistingMainOutputs | undefined>;

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
    const label = composition.label ?? name;
    const { existingMain: facts, ...rest } = isArguments(args) ? args : ({} as RescueGatewayArgs);
    const isAlone = composition.partner === undefined;
    if (!isAlone && facts !== undefined) currentProgram().report([existingMainInPair(label)]);
    const existingMain = isAlone && isOfThisCopy(rest.target) ? findExistingMain(label, rest.target, facts) : undefined;
    super(
      name,
      withDefaults({ profile: RESCUE_PROFILE, basePort: RESCUE_BASE_PORT }, isArguments(args) ? rest : args),
      opts,
      defined({
        ...composition,
        operatorOnly: true,
        existingMain,
      }),
    );
    this.existingMain = pulumi.output(existingMain?.then(toOutputs));
  }
}

/** What is no object of arguments stays as it is: Gateway refuses it. */
const withDefaults = (defaults: Partial<GatewayArgs>, args: MainGatewayArgs): GatewayArgs =>
  (isArguments(args) ? { ...defaults, ...defined(args) } : args) as GatewayArgs;

export const RESCUE_PROFILE = "rescue";

const existingMainInPair = (label: string): Problem => ({
  path: `${label}.existingMain`,
  reason: "is only for a standalone rescue gateway; a pair has its own main gateway",
  advice: "remove it, or use RescueGateway instead of GatewayPair",
});

function toOutputs(main: ExistingGateway | undefined): ExistingMainOutputs | undefined {
  if (!main) return undefined;
  const { url, stateDir, workspace, configPath, command, restart } = main;
  return defined({ url, stateDir, workspace, configPath, command, restart });
}
