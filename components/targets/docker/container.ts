/**
 * The resources of one gateway in a container.
 *
 * All texts here are stored in the state of deployed stacks: changing one recreates every container of every user.
 * test/unit/frozen.test.ts pins them.
 */
import * as pulumi from "@pulumi/pulumi";
import {
  COMMAND,
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
import type { CheckRequest, HealthRequest, StageRequest } from "../../../model/requests";
import { valueAt } from "../../../model/json";
import type { JsonObject } from "../../../model/spec";
import { withoutStackTraces } from "../../outputs";
import { answerOf, containerId } from "../answers";
import { deployerCommand } from "../deployerCommand";
import { stackName } from "../hostGateway";
import { partnerCommand } from "../partner";
import type { Deployment } from "../target";
import { loadDocker, type DockerEngine } from ".";

export function deployInContainer(
  engine: DockerEngine,
  parent: pulumi.Resource,
  deployment: Deployment,
): pulumi.Resource {
  const { name, gateway, env, partner } = deployment;
  const { suffix, limits, provider } = engine;
  const { version, config } = gateway;
  const docker = loadDocker();
  const names = namesOf(gateway.serviceName);
  const called = (what: string): string => `${name}-${what}${suffix}`;
  const on = (...dependsOn: pulumi.Resource[]): pulumi.CustomResourceOptions => ({ parent, dependsOn });
  const onEngine = (...dependsOn: pulumi.Resource[]) => ({ ...on(...dependsOn), provider });

  const whole = pulumi
    .all([engine.address, engine.ownerId])
    .apply(([address, id]) => engine.claimOf(name, gateway, address, id));
  const claimed = deployerCommand(
    called("claim"),
    { about: "containers", words: `claim ${name}`, delete: `leave ${name}`, request: whole, isShown: true },
    on(engine),
  );
  // From here on, the image is there: whether it may be pulled must not show up as a change to the container.
  const claim = whole.apply(({ image: _, ...rest }) => rest);
  const kept = [
    { label: LABELS.gateway, value: name },
    { label: LABELS.stack, value: stackName() },
  ];
  const labels = [...kept, { label: LABELS.owner, value: engine.ownerId }];
  const network = withoutStackTraces(
    () => new docker.Network(called("network"), { name: names.network, labels }, onEngine(claimed)),
  );
  const keptVolume = (what: "state" | "workspace") =>
    withoutStackTraces(
      () =>
        new docker.Volume(
          called(what),
          { name: names[what], labels: kept },
          { ...onEngine(claimed), retainOnDelete: true },
        ),
    );
  const [state, workspace] = [keptVolume("state"), keptVolume("workspace")];
  const image = engine.image(version).imageId;

  // Why it was last recreated: with a new reason in their requests, its commands run again.
  const because = engine.repair(name, { parent });
  const staged = deployerCommand(
    called("secrets"),
    {
      about: "containers",
      words: `stage ${name}`,
      request: requestOf<StageRequest>({ claim, image, env, ...telegramOf(config), because }),
    },
    on(network, state, workspace),
  );
  // The volume's name reveals nothing about the secrets; as a secret, it would hide the whole container from preview.
  const secrets = answerOf(staged, "volume", name);
  const isAlone = !partner || gateway.force;
  const checked = deployerCommand(
    called("check"),
    {
      about: "containers",
      words: `check ${name}`,
      request: requestOf<CheckRequest>({ claim, version, config, image, secrets, limits, isAlone, because }),
      isShown: true,
    },
    on(staged),
  );
  const configVolume = answerOf(checked, "volume", name);
  const before: pulumi.Resource[] = [checked];
  if (!isAlone)
    before.push(
      partnerCommand(called("partner"), engine, name, gateway, partner, [configVolume], [checked], { parent }),
    );

  const container = withoutStackTraces(
    () =>
      new docker.Container(
        called("container"),
        {
          name: names.container,
          // Part of OpenClaw's lease on its state: with another, a gateway would wait minutes for a killed predecessor.
          hostname: names.container,
          image,
          command: COMMAND,
          workingDir: WORKING_DIRECTORY,
          user: `${USER}:${USER}`,
          envs: Object.entries(ENVIRONMENT).map(([variable, value]) => `${variable}=${value}`),
          labels: [
            ...labels,
            { label: LABELS.generation, value: configVolume },
            { label: LABELS.limits, value: limitsLabel(limits) },
          ],
          networksAdvanced: [{ name: names.network }],
          ports: [
            { internal: CONTAINER_PORT, external: gateway.ports.gateway, ip: engine.layout.publishAddress },
            ...(engine.layout.sandboxPort
              ? [
                  {
                    internal: CONTAINER_SANDBOX_PORT,
                    external: gateway.ports.sandbox,
                    ip: engine.layout.publishAddress,
                  },
                ]
              : []),
          ],
          mounts: [
            { type: "volume", source: names.state, target: CONTAINER_PATHS.state },
            { type: "volume", source: names.workspace, target: CONTAINER_PATHS.workspace },
            { type: "volume", source: configVolume, target: CONTAINER_PATHS.config, readOnly: true },
            { type: "volume", source: secrets, target: CONTAINER_PATHS.secrets, readOnly: true },
          ],
          readOnly: true,
          tmpfs: TMPFS,
          capabilities: { drops: ["ALL"] },
          securityOpts: ["no-new-privileges"],
          init: true,
          memory: limits.memoryMiB,
          memorySwap: limits.memoryMiB,
          cpus: cpusText(limits.cpus),
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
        },
        { ...onEngine(...before), deleteBeforeReplace: true },
      ),
  );
  return deployerCommand(
    called("health"),
    {
      about: "containers",
      words: `health ${name}`,
      request: requestOf<HealthRequest>({
        claim,
        limits,
        volumes: [configVolume, secrets],
        because: containerId(container, name),
      }),
      isShown: true,
    },
    on(container),
  );
}

function telegramOf(config: JsonObject): { telegram?: string } {
  const apiRoot = valueAt(config, "channels.telegram.apiRoot");
  if (valueAt(config, "channels.telegram") === undefined) return {};
  return { telegram: typeof apiRoot === "string" ? apiRoot : "https://api.telegram.org" };
}

type InputsOf<T> = { readonly [Key in keyof T]: pulumi.Input<T[Key]> | readonly pulumi.Input<string>[] };

/** In the order in which the parts are written here: the text is stored in the state. */
const requestOf = <T extends object>(parts: InputsOf<T>): pulumi.Output<T> =>
  pulumi.output(parts) as unknown as pulumi.Output<T>;
