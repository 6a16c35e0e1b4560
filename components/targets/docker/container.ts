/**
 * The resources of one gateway in a container.
 *
 * All texts here are stored in the state of deployed stacks: changing one recreates every container of every user.
 * test/unit/frozen.test.ts pins them.
 */
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import {
  containerCommand,
  CONTAINER_PATHS,
  CONTAINER_PORT,
  CONTAINER_SANDBOX_PORT,
  cpusText,
  ENVIRONMENT,
  LABELS,
  limitsLabel,
  namesOf,
  STOP_SECONDS,
  TMPFS,
  USER,
  WORKING_DIRECTORY,
} from "../../../model/containerLayout";
import type { CheckRequest, ContainerClaim, HealthRequest, StageRequest } from "../../../model/requests";
import { valueAt } from "../../../model/json";
import { isWorkspace } from "../../../model/surroundings";
import { defined } from "../../../model/defined";
import type { JsonObject } from "../../../model/spec";
import { withoutStackTraces } from "../../outputs";
import { answerOf, containerId } from "../answers";
import { deployerCommand, type DeployerCommand } from "../deployerCommand";
import { stackName } from "../hostGateway";
import { partnerCommand } from "../partner";
import type { Deployment } from "../target";
import { publishedOn } from "../../rules/expose";
import type { ResolvedGateway } from "../../rules/resolve";
import { loadDocker, type DockerEngine } from "./dockerEngine";

export function deployInContainer(
  engine: DockerEngine,
  parent: pulumi.Resource,
  deployment: Deployment,
): pulumi.Resource {
  const context = stepContext(engine, parent, deployment);
  const { claimed, claim } = claimContainer(context);
  const { labels, kept } = keepVolumes(context, claimed);
  const { secrets, config, checked } = prepareVolumes(context, claim, kept);
  const before = [checked, ...askPartner(context, config, checked)];
  const container = runContainer(context, { labels, config, secrets }, before);
  const { name, limits } = context;
  const because = containerId(container, name);
  const request = requestOf<HealthRequest>({ claim, limits, volumes: [config, secrets], because });
  return context.command("health", { words: `health ${name}`, request, isShown: true }, container);
}

/** What all steps share: the gateway, its engine, and how its resources are called and registered. */
function stepContext(engine: DockerEngine, parent: pulumi.Resource, deployment: Deployment) {
  const { name, gateway } = deployment;
  const resourceName = (what: string): string => `${name}-${what}${engine.suffix}`;
  return {
    engine,
    parent,
    deployment,
    name,
    gateway,
    limits: engine.limits,
    docker: loadDocker(),
    names: namesOf(gateway.serviceName),
    /** Why it was last recreated: with a new reason in their requests, its commands run again. */
    because: engine.repairs.reasonFor(name, "", "it is new", { parent }),
    resourceName,
    onEngine: (...dependsOn: pulumi.Resource[]) => ({ parent, dependsOn, provider: engine.provider }),
    command: (what: string, command: Omit<DeployerCommand, "about">, ...dependsOn: pulumi.Resource[]) =>
      deployerCommand(resourceName(what), { about: "containers", ...command }, { parent, dependsOn }),
  };
}
type StepContext = ReturnType<typeof stepContext>;

type Claimed = pulumi.Output<Omit<ContainerClaim, "image">>;

/** The container's name is this gateway's before anything is made under it. */
function claimContainer(context: StepContext): { claimed: pulumi.Resource; claim: Claimed } {
  const { engine, name, gateway } = context;
  const request = pulumi
    .all([engine.address, engine.ownerId])
    .apply(([address, id]) => engine.claimOf(name, gateway, address, id));
  const claimed = context.command(
    "claim",
    { words: `claim ${name}`, delete: `leave ${name}`, request, isShown: true },
    engine,
  );
  // From here on, the image is there: whether it may be pulled must not show up as a change to the container.
  return { claimed, claim: request.apply(({ image: _, ...rest }) => rest) };
}

type Labels = { label: string; value: pulumi.Input<string> }[];

/** Its network, and what a destroy leaves. */
function keepVolumes(context: StepContext, claimed: pulumi.Resource): { labels: Labels; kept: pulumi.Resource[] } {
  const { docker, engine, name, names } = context;
  const ofGateway = [
    { label: LABELS.gateway, value: name },
    { label: LABELS.stack, value: stackName() },
  ];
  const labels = [...ofGateway, { label: LABELS.owner, value: engine.ownerId }];
  return withoutStackTraces(() => {
    const network = new docker.Network(
      context.resourceName("network"),
      { name: names.network, labels },
      context.onEngine(claimed),
    );
    const volumes = (["state", "workspace"] as const).map(
      (what) =>
        new docker.Volume(
          context.resourceName(what),
          { name: names[what], labels: ofGateway },
          { ...context.onEngine(claimed), retainOnDelete: true },
        ),
    );
    return { labels, kept: [network, ...volumes] };
  });
}

/** Volumes with its secrets and its configuration, which OpenClaw has accepted: their names. */
function prepareVolumes(
  context: StepContext,
  claim: Claimed,
  kept: readonly pulumi.Resource[],
): { secrets: pulumi.Output<string>; config: pulumi.Output<string>; checked: pulumi.Resource } {
  const { engine, name, gateway, limits, because } = context;
  const { version, config, maxOldSpaceSize } = gateway;
  const { env: variables, secrets: own, partner } = context.deployment;
  const env = pulumi.secret(pulumi.all([variables, own]).apply(([all, ours]) => ({ ...all, ...ours })));
  const image = engine.image(version).imageId;
  const staged = context.command(
    "secrets",
    {
      words: `stage ${name}`,
      // Without what is around it, which changes no secret: with a new volume for them, a preview could not show the rest.
      request: requestOf<StageRequest>({
        claim: claim.apply(({ around: _, ...rest }) => rest),
        image,
        env,
        ...(gateway.secrets && { files: gateway.secrets }),
        ...telegramOf(config),
        because,
      }),
    },
    ...kept,
  );
  // The volume's name reveals nothing about the secrets; as a secret, it would hide the whole container from preview.
  const secrets = answerOf(staged, "volume", name);
  const isAlone = !partner || gateway.force;
  const checked = context.command(
    "check",
    {
      words: `check ${name}`,
      request: requestOf<CheckRequest>(
        defined({ claim, version, config, image, secrets, limits, maxOldSpaceSize, isAlone, because }),
      ),
      isShown: true,
    },
    staged,
  );
  return { secrets, config: answerOf(checked, "volume", name), checked };
}

/** The partner must be healthy when this gateway is taken down. */
function askPartner(context: StepContext, config: pulumi.Output<string>, checked: pulumi.Resource): pulumi.Resource[] {
  const { engine, name, gateway, parent } = context;
  const { partner } = context.deployment;
  if (!partner || gateway.force) return [];
  const asked = { target: engine, name, gateway, partner, change: [config] };
  return [partnerCommand(context.resourceName("partner"), asked, { parent, dependsOn: [checked] })];
}

interface Mounted {
  readonly labels: Labels;
  readonly config: pulumi.Output<string>;
  readonly secrets: pulumi.Output<string>;
}

function runContainer(context: StepContext, mounted: Mounted, before: pulumi.Resource[]): docker.Container {
  const { docker, engine, gateway, limits, names } = context;
  const { labels, config, secrets } = mounted;
  const { surroundings: around = {} } = gateway;
  const { mounts = [] } = around;
  return withoutStackTraces(
    () =>
      new docker.Container(
        context.resourceName("container"),
        {
          name: names.container,
          // Part of OpenClaw's lease on its state: with another, a gateway would wait minutes for a killed predecessor.
          hostname: names.container,
          image: engine.image(gateway.version).imageId,
          command: config.apply((volume) => containerCommand(volume, limits, gateway)),
          workingDir: WORKING_DIRECTORY,
          user: `${USER}:${USER}`,
          envs: Object.entries(ENVIRONMENT).map(([variable, value]) => `${variable}=${value}`),
          labels: [
            ...labels,
            { label: LABELS.generation, value: config },
            { label: LABELS.limits, value: limitsLabel(limits) },
          ],
          networksAdvanced: [names.network, ...(around.networks ?? [])].map((network) => ({ name: network })),
          ports: published(engine, gateway),
          mounts: [
            { type: "volume", source: names.state, target: CONTAINER_PATHS.state },
            ...(mounts.some(isWorkspace)
              ? []
              : [{ type: "volume", source: names.workspace, target: CONTAINER_PATHS.workspace }]),
            { type: "volume", source: config, target: CONTAINER_PATHS.config, readOnly: true },
            { type: "volume", source: secrets, target: CONTAINER_PATHS.secrets, readOnly: true },
            ...mounts.map((mount) => ({ type: "bind", ...mount })),
          ],
          ...(around.extraHosts && {
            hosts: Object.entries(around.extraHosts).map(([host, ip]) => ({ host, ip })),
          }),
          ...CONFINEMENT,
          memory: limits.memoryMiB,
          memorySwap: limits.memoryMiB,
          cpus: cpusText(limits.cpus),
        },
        { ...context.onEngine(...before), deleteBeforeReplace: true },
      ),
  );
}

function published(
  { layout }: DockerEngine,
  { ports, lanAddress, surroundings = {} }: ResolvedGateway,
): docker.types.input.ContainerPort[] {
  const ip = publishedOn(lanAddress);
  const gateway = { internal: CONTAINER_PORT, external: ports.gateway, ip };
  const sandbox = { internal: CONTAINER_SANDBOX_PORT, external: ports.sandbox, ip };
  const further = (surroundings.publish ?? []).map((port) => ({ internal: port, external: port, ip }));
  return [gateway, ...(layout.sandboxPort ? [sandbox] : []), ...further];
}

/** What every container of ours may do, and when Docker restarts it. */
const CONFINEMENT = {
  readOnly: true,
  tmpfs: TMPFS,
  capabilities: { drops: ["ALL"] },
  securityOpts: ["no-new-privileges"],
  init: true,
  restart: "unless-stopped",
  logDriver: "json-file",
  logOpts: { "max-size": "10m", "max-file": "3" },
  healthcheck: {
    tests: ["CMD", "node", CONTAINER_PATHS.health],
    interval: "30s",
    timeout: "10s",
    startPeriod: "59s",
    retries: 3,
  },
  destroyGraceSeconds: STOP_SECONDS,
};

function telegramOf(config: JsonObject): { telegram?: string } {
  const apiRoot = valueAt(config, "channels.telegram.apiRoot");
  if (valueAt(config, "channels.telegram") === undefined) return {};
  return { telegram: typeof apiRoot === "string" ? apiRoot : "https://api.telegram.org" };
}

type InputsOf<T> = { readonly [Key in keyof T]: pulumi.Input<T[Key]> | readonly pulumi.Input<string>[] };

/** In the order in which the parts are written here: the text is stored in the state. */
const requestOf = <T extends object>(parts: InputsOf<T>): pulumi.Output<T> =>
  pulumi.output(parts) as unknown as pulumi.Output<T>;
