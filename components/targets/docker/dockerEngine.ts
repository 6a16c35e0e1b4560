import { randomUUID } from "node:crypto";
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type {
  ContainerClaim,
  ContainerLimits,
  EngineAddress,
  InContainer,
  EngineLookAnswer,
} from "../../../model/requests";
import type { SearchResult, GatewayFacts } from "../../../inspect/existingGateway";
import { plainLine } from "../../../model/plain";
import { dockerCommand, LOCAL_ENGINE, execInContainer } from "../../../model/containerLayout";
import { stableValue } from "../../outputs";
import { afterPreflight, currentProgram } from "../../preflight";
import { chooseHostKey } from "../../../ssh/hostKey";
import type { ContainerLayout } from "../../rules/placement";
import { targetArguments } from "../../given";
import type { Problem } from "../../rules/problems";
import type { ResolvedGateway } from "../../rules/resolve";
import { exposedOn, publishedOn } from "../../rules/expose";
import { othersWorkspaces, unreached } from "../../rules/surroundings";
import { withoutStackTraces } from "../../outputs";
import { adviseOnHostKey } from "../../rules/schemas";
import { askDeployer } from "../deployerCommand";
import { stackName } from "../hostGateway";
import { knownSoon } from "../../outputs";
import type { Conflict } from "../../../model/conflict";
import { Repairs } from "../repairs";
import { madeHere, type Deployed, type Deployment, type GatewayToCheck, type Target } from "../target";
import { dockerEngineSchema, SSH_ONLY, type CheckedDockerEngineArgs, type DockerEngineArgs } from "./arguments";
import { deployInContainer } from "./container";
import { withAdvice } from "../../../model/failure";
import { defined } from "../../../model/defined";

const REPOSITORY = "ghcr.io/openclaw/openclaw";
const DEFAULT_LIMITS: ContainerLimits = { memoryMiB: 2048, cpus: 2, pids: 512 };

/**
 * A Docker engine as a target: each gateway is a container with its own network and volumes. Needs the npm package
 * \@pulumi/docker.
 *
 * @example
 * const engine = new DockerEngine("engine");
 */
export class DockerEngine extends pulumi.ComponentResource implements Target {
  /** @internal */
  readonly layout: ContainerLayout;
  readonly machine: string;
  /** @internal */
  readonly ownerId: pulumi.Output<string>;
  /** @internal */
  readonly address: pulumi.Output<EngineAddress>;
  /** @internal */
  readonly suffix: string;
  /** @internal */
  readonly limits: ContainerLimits;
  private readonly args: CheckedDockerEngineArgs;
  private readonly engineName: string;
  private readonly images = new Map<string, docker.RemoteImage>();
  private connected: docker.Provider | undefined;
  /** @internal */
  readonly repairs = new Repairs();
  private readonly seen = new Map<string, "nothing" | "up">();

  constructor(name: string, args: DockerEngineArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("openclaw:index:DockerEngine", name, {}, afterPreflight(opts));
    madeHere(this);
    const given = { name, args, schema: dockerEngineSchema, example: "{ memory: 4096 }", advised: betterAdvised };
    // What is refused is never used: the program ends first.
    this.args = targetArguments({ target: this, ...given }) ?? {};
    this.engineName = name;
    const { host = LOCAL_ENGINE, memory, cpus, pids, sandboxPort = false } = this.args;
    this.limits = {
      memoryMiB: memory ?? DEFAULT_LIMITS.memoryMiB,
      cpus: cpus ?? DEFAULT_LIMITS.cpus,
      pids: pids ?? DEFAULT_LIMITS.pids,
    };
    const docker = dockerCommand(typeof host === "string" ? host : LOCAL_ENGINE);
    const prefix = `${pulumi.getProject()}-${pulumi.getStack()}`;
    this.layout = { kind: "container", prefix, docker, sandboxPort, memory: this.limits.memoryMiB };
    const place = typeof host === "string" ? placeOf(host) : undefined;
    this.machine = place ?? `DockerEngine ${name}`;
    this.suffix = place === undefined || place === HERE ? "" : `@${place}`;
    this.address = pulumi.output({ host, ssh: sshArguments(this.args) });
    this.ownerId = stableValue(`${name}-owner`, randomUUID(), { parent: this });
    this.registerOutputs({});
  }

  /** @internal */
  async findConflicts(gateways: readonly GatewayToCheck[]): Promise<readonly (readonly Conflict[])[]> {
    const program = currentProgram();
    const nothing = gateways.map(() => []);
    const engine = await knownSoon(this.address);
    if (!engine) {
      void pulumi.log.info(`${this.engineName}: its address or key is not known yet, so nothing on it was checked`);
      return nothing;
    }
    for (const line of gateways.flatMap(({ gateway }) => [...unreached(gateway), ...othersWorkspaces(gateway)]))
      program.warn(line);
    const claims = gateways.map(({ name, gateway }) => this.claimOf(name, gateway, engine));
    const answer = await askDeployer<EngineLookAnswer>("look", { engine, claims });
    if ("silence" in answer) {
      program.report([{ path: `${this.engineName}.host`, reason: answer.silence, advice: adviceOn(engine.host) }]);
      return nothing;
    }
    if (this.limits.cpus > answer.cpus)
      program.report([
        {
          path: `${this.engineName}.cpus`,
          reason: `${this.limits.cpus} is more than the engine has (${answer.cpus})`,
          advice: `use ${answer.cpus} or less`,
        },
      ]);
    answer.gateways.forEach(({ repair, isThere, warnings }, index) => {
      const { name } = gateways[index]!;
      this.seen.set(name, isThere ? "up" : "nothing");
      for (const warning of warnings) program.warn(`${name}: ${warning}`);
      if (repair === undefined) return;
      this.repairs.note(name, repair, true);
      void pulumi.log.info(plainLine(`${name}: ${repair}: it will be recreated`));
    });
    return answer.gateways.map(({ obstacles }, index) => {
      const { gateway, isRescue = false } = gateways[index]!;
      const exposed = exposedOn(answer.machine, gateway, isRescue);
      for (const warning of exposed.warnings) program.warn(warning);
      return [...obstacles, ...exposed.obstacles];
    });
  }

  /** @internal */
  findExistingGateway(facts: GatewayFacts): Promise<SearchResult> {
    if (Object.values(facts).every((fact) => fact === undefined)) return Promise.resolve(undefined);
    return Promise.resolve({
      property: "stateDir",
      reason:
        "a gateway in a container cannot run beside a main gateway that no stack owns: it cannot see main's files",
      advice: "use LocalHost for the rescue gateway, on main's own machine",
    });
  }

  /** @internal */
  locate(id: string, name: string): pulumi.Output<InContainer> {
    return this.address.apply((engine) => ({ id, engine, container: `${this.layout.prefix}-${name}` }));
  }

  /** @internal */
  found(name: string): "nothing" | "down" | "up" | undefined {
    return this.repairs.isDown(name) ? "down" : this.seen.get(name);
  }

  /** @internal */
  wrapperOf({ serviceName }: ResolvedGateway): pulumi.Output<string> {
    return this.address.apply(({ host }) => execInContainer(dockerCommand(host), serviceName));
  }

  /** @internal */
  deploy(parent: pulumi.Resource, deployment: Deployment): Deployed {
    return { resource: deployInContainer(this, parent, deployment) };
  }

  /** @internal */
  claimOf(name: string, gateway: ResolvedGateway, engine: EngineAddress, id?: string): ContainerClaim {
    const { first, last } = gateway.portRange;
    return {
      engine,
      container: gateway.serviceName,
      owner: defined({ stack: stackName(), gateway: name, id }),
      publish: { address: publishedOn(gateway.lanAddress), ports: first === last ? [first] : [first, last] },
      ...(this.args.pull === "never" && { image: this.imageName(gateway.version) }),
      ...(gateway.surroundings && { around: gateway.surroundings }),
    };
  }

  /** @internal */
  get provider(): docker.Provider {
    return (this.connected ??= this.connect());
  }

  private connect(): docker.Provider {
    const { registryAuth } = this.args;
    const inputs: docker.ProviderArgs = {
      host: this.address.host,
      sshOpts: this.address.apply(({ ssh = [] }) => [...ssh]),
      ...(registryAuth && {
        registryAuth: [{ ...registryAuth, password: pulumi.secret(registryAuth.password) }],
      }),
    };
    return withoutStackTraces(
      () => new (loadDocker().Provider)(`${this.engineName}-engine${this.suffix}`, inputs, { parent: this }),
    );
  }

  /** @internal */
  image(version: string): docker.RemoteImage {
    const known = this.images.get(version);
    if (known) return known;
    const { RemoteImage } = loadDocker();
    const image = withoutStackTraces(
      () =>
        new RemoteImage(
          `${this.engineName}-image-${version}${this.suffix}`,
          // Others may use it, and a previous container must not lose it.
          { name: this.imageName(version), keepLocally: true },
          { parent: this, provider: this.provider },
        ),
    );
    this.images.set(version, image);
    return image;
  }

  private imageName(version: string): string {
    const { repository = REPOSITORY, digests = {} } = this.args;
    const digest = digests[version];
    return digest === undefined ? `${repository}:${version}` : `${repository}@${digest}`;
  }
}

const HERE = "this machine";

/** Names a machine just as the other targets do. */
function placeOf(host: string): string {
  if (!host.startsWith("ssh:")) return HERE;
  const { hostname, port } = new URL(host);
  return `${hostname}${port === "" || port === "22" ? "" : `:${port}`}`;
}

/** Options for `ssh`: accept only the host's key, and never prompt. */
function sshArguments({ host, hostKey, identityFile }: CheckedDockerEngineArgs): pulumi.Input<string[]> {
  if (hostKey === undefined && (host === undefined || typeof host === "string")) return [];
  return pulumi.output<string | undefined>(hostKey).apply((text = "") => {
    const key = chooseHostKey(text);
    const options = [
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
      "UserKnownHostsFile=/dev/null",
      "GlobalKnownHostsFile=/dev/null",
      // OpenSSH 8.5 or newer. The key is not in a file, whose path would differ on another deployer.
      `KnownHostsCommand=/usr/bin/env echo %H ${"line" in key ? key.line : "none"}`,
    ];
    return [
      ...options.flatMap((option) => ["-o", option]),
      ...(identityFile === undefined ? [] : ["-o", "IdentitiesOnly=yes", "-i", identityFile]),
    ];
  });
}

const adviceOn = (host: string): string =>
  host.startsWith("ssh:")
    ? `check that this works: ssh ${host.slice("ssh://".length)} docker version`
    : "start it (systemctl start docker), and make sure that your user may use it (docker version)";

function betterAdvised(problem: Problem): Problem {
  if (problem.path.endsWith(".publishAddress"))
    return { ...problem, advice: "use the argument expose.lan.address of each gateway: docs/reach.md" };
  if (problem.reason === SSH_ONLY) return { ...problem, advice: "remove it, or set host to ssh://USER@HOST" };
  return adviseOnHostKey(problem);
}

/** Needed only by programs with a Docker engine; wherever the package is loaded, Pulumi also asks for its plugin. */
export function loadDocker(): typeof docker {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require("@pulumi/docker") as typeof docker;
  } catch {
    throw new pulumi.RunError(
      withAdvice("OpenClaw: DockerEngine needs @pulumi/docker", "npm install @pulumi/docker@5.2.0"),
    );
  }
}
