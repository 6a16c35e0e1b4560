/** What belongs to a gateway on an engine, by its labels. */
import type Docker from "dockerode";
import { Failure } from "../../model/failure";
import { describeListener, listConflicts, type Listener } from "../../model/conflict";
import type { Conflict } from "../../model/conflict";
import type { ContainerClaim } from "../../model/requests";
import { found, seenOn } from "./engine";
import { mountObstacles } from "./mounts";
import { CONTAINER_PATHS, dockerCommand, LABELS, limitsLabel, namesOf, type Role } from "../../model/containerLayout";

type Labels = Readonly<Record<string, string>> | null | undefined;

/** Of volumes that stay after a destroy; a later stack of the same name finds them. */
export const keptLabels = ({ owner }: ContainerClaim): Record<string, string> => ({
  [LABELS.stack]: owner.stack,
  [LABELS.gateway]: owner.gateway,
});

export const labelsOf = (claim: ContainerClaim, role: Role): Record<string, string> => ({
  ...keptLabels(claim),
  [LABELS.owner]: claim.owner.id ?? "",
  [LABELS.role]: role,
});

/** For the engine's lists. */
const filterOf = (labels: Record<string, string>): string =>
  JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) });

const isOf = (claim: ContainerClaim, labels: Labels): boolean =>
  Object.entries(keptLabels(claim)).every(([name, value]) => labels?.[name] === value);

/** The same, and belongs to this very stack, as far as that is known. */
function isOurs(claim: ContainerClaim, labels: Labels): boolean {
  const { id } = claim.owner;
  return isOf(claim, labels) && (id === undefined || labels?.[LABELS.owner] === id);
}

/** All ports of the engine's machine that its container has. */
export const publishedPorts = ({ publish, around }: ContainerClaim): number[] => [
  ...publish.ports,
  ...(around?.publish ?? []),
];

export const containerOf = (api: Docker, { container }: Pick<ContainerClaim, "container">) =>
  found(api.getContainer(container).inspect());

/** What a container needs and Docker would create empty, or not at all: `files` are further volumes. */
export async function missingThings(
  api: Docker,
  { container }: ContainerClaim,
  ...files: readonly string[]
): Promise<{ kind: "network" | "volume"; name: string }[]> {
  const { network, state, workspace } = namesOf(container);
  const things = [
    { kind: "network" as const, name: network, seen: found(api.getNetwork(network).inspect()) },
    ...[state, workspace, ...files].map((name) => ({
      kind: "volume" as const,
      name,
      seen: found(api.getVolume(name).inspect()),
    })),
  ];
  const seen = await Promise.all(things.map((each) => each.seen));
  return things.filter((_, index) => seen[index] === undefined).map(({ kind, name }) => ({ kind, name }));
}

/**
 * It gets a limit of processes once it was found healthy: @pulumi/docker has no input for that, so that nothing else
 * sets it. One without was created by an unfinished `up`, and may not be in any stack's state.
 */
export const isFinished = ({ HostConfig }: Docker.ContainerInspectInfo): boolean => (HostConfig.PidsLimit ?? 0) > 0;

/** What on the engine prevents the gateway; `listening` are programs on its machine. Changes nothing. */
export async function obstaclesTo(
  api: Docker,
  claim: ContainerClaim,
  listening: readonly Listener[],
): Promise<Conflict[]> {
  const names = namesOf(claim.container);
  const docker = dockerCommand(claim.engine.host);
  const [container, network, ...volumes] = await Promise.all([
    containerOf(api, claim),
    found(api.getNetwork(names.network).inspect()),
    ...[names.state, names.workspace].map((name) => found(api.getVolume(name).inspect())),
  ]);
  const things: (readonly [what: string, name: string, isForeign: boolean])[] = [
    ["container", names.container, container !== undefined && !isOurs(claim, container.Config.Labels)],
    ["network", names.network, network !== undefined && !isOurs(claim, network.Labels)],
    ...[names.state, names.workspace].map(
      (name, index) => ["volume", name, volumes[index] !== undefined && !isOf(claim, volumes[index].Labels)] as const,
    ),
  ];
  const foreign = things
    .filter(([, , isForeign]) => isForeign)
    .map(([what, name]) => ({
      property: "target",
      reason: `the engine has a ${what} ${name} that does not belong to this gateway`,
      advice:
        what === "volume"
          ? `rename the stack or the gateway; or, if nothing in it is needed: ${docker} volume rm ${name}`
          : `rename the stack or the gateway; or, if it is not needed: ${docker} ${what} rm ${what === "container" ? "-f " : ""}${name}`,
    }));
  const own = container && isOurs(claim, container.Config.Labels) ? portsKeptBy(container) : [];
  const others = listening.filter(({ port }) => !own.includes(port));
  return [
    ...foreign,
    ...(await takenPorts(api, claim, others)),
    ...(await missingImage(api, claim)),
    ...(await networkObstacles(api, claim)),
    ...(await mountObstacles(api, claim)),
  ];
}

/** Networks that it cannot join: they are never made for it, since others are in them. */
async function networkObstacles(api: Docker, { engine, around = {} }: ContainerClaim): Promise<Conflict[]> {
  const docker = dockerCommand(engine.host);
  const { networks = [] } = around;
  const seen = await Promise.all(networks.map((name) => found(api.getNetwork(name).inspect())));
  return networks.flatMap((name, index) => {
    const obstacle = (reason: string, advice: string): Conflict[] => [{ property: "networks", reason, advice }];
    const network = seen[index];
    if (!network)
      return obstacle(
        `the engine has no network ${name}`,
        `create it first (${docker} network create ${name}), or use one that it has: ${docker} network ls`,
      );
    const owner = network.Labels?.[LABELS.gateway];
    if (owner !== undefined)
      return obstacle(
        `the network ${name} is the gateway ${owner}'s own`,
        `create another one for both: ${docker} network create NAME`,
      );
    if (network.Scope === "swarm" && !network.Attachable)
      return obstacle(
        `the network ${name} is for services of a swarm only`,
        `create it with --attachable: ${docker} network create --driver overlay --attachable NAME`,
      );
    return [];
  });
}

/**
 * Ports that Docker keeps for a container that runs, or keeps restarting: between two starts its proxy
 * may still listen (observed), while the list of containers shows none of its ports.
 */
function portsKeptBy({ State, HostConfig }: Docker.ContainerInspectInfo): number[] {
  if (!State.Running && !State.Restarting) return [];
  const bindings = Object.values((HostConfig.PortBindings ?? {}) as Record<string, { HostPort: string }[] | null>);
  return bindings.flatMap((bound) => (bound ?? []).map(({ HostPort }) => Number(HostPort)));
}

const EVERYWHERE = ["0.0.0.0", "::"];

/** Whether a port cannot be published on both addresses. */
export const meet = (one: string, other: string): boolean =>
  one === other || EVERYWHERE.includes(one) || EVERYWHERE.includes(other);

async function takenPorts(api: Docker, claim: ContainerClaim, listening: readonly Listener[]): Promise<Conflict[]> {
  const { address } = claim.publish;
  const all = await api.listContainers();
  const published = all.flatMap(({ Names, Ports }) =>
    Ports.filter(({ Type }) => Type === "tcp").map(({ IP, PublicPort }) => ({
      port: PublicPort,
      address: IP,
      name: Names[0]!.slice(1),
    })),
  );
  return publishedPorts(claim).flatMap((port): Conflict[] => {
    const there = published.filter((each) => each.port === port);
    const holder = there.find((each) => each.name !== claim.container && meet(each.address, address));
    // The listener for a container is Docker itself.
    const listener = there.length ? undefined : listening.find((each) => each.port === port);
    if (!holder && !listener) return [];
    return [
      {
        property: claim.publish.ports.includes(port) ? "basePort" : "publish",
        reason: holder
          ? `port ${port} is published by the container ${holder.name}`
          : `port ${port} is in use by ${describeListener(listener!)}`,
        advice: claim.publish.ports.includes(port)
          ? "use another base port, or stop what uses it"
          : "use another port, in `config` too, or stop what uses it",
      },
    ];
  });
}

async function missingImage(api: Docker, claim: ContainerClaim): Promise<Conflict[]> {
  const { image } = claim;
  if (image === undefined || (await found(api.getImage(image).inspect()))) return [];
  return [
    {
      property: "version",
      reason: `the image ${image} is not on the engine, and pull is "never"`,
      advice: `put it there, e.g. with ${dockerCommand(claim.engine.host)} pull ${image}, or with docker save and docker load`,
    },
  ];
}

/** Throws what prevents the gateway. */
export async function requireFree(api: Docker, claim: ContainerClaim): Promise<void> {
  const obstacles = await obstaclesTo(api, claim, (await seenOn(claim.engine, publishedPorts(claim))).listening);
  if (obstacles.length)
    throw new Failure(`gateway ${claim.owner.gateway} was not touched:\n` + listConflicts(obstacles));
}

/** Removes helper containers that a killed command left behind. */
export async function removeHelpers(api: Docker, claim: ContainerClaim): Promise<void> {
  const all = await api.listContainers({ all: true, filters: filterOf(labelsOf(claim, "helper")) });
  await Promise.all(all.map(({ Id }) => removeContainer(api, Id)));
}

export const removeContainer = (api: Docker, id: string): Promise<unknown> =>
  found(api.getContainer(id).remove({ force: true, v: true }));

/** Removes the gateway's volumes with files, except those named; also those of a stack whose state was lost. */
export async function removeFiles(api: Docker, claim: ContainerClaim, kept: readonly string[] = []): Promise<void> {
  for (const role of ["config", "secrets"] as const) {
    const { Volumes } = await api.listVolumes({ filters: filterOf({ ...keptLabels(claim), [LABELS.role]: role }) });
    for (const { Name } of Volumes) if (!kept.includes(Name)) await found(api.getVolume(Name).remove());
  }
}

/** Whether it has had a container, as far as we can see. */
export async function hasFiles(api: Docker, claim: ContainerClaim): Promise<boolean> {
  const { Volumes } = await api.listVolumes({ filters: filterOf({ ...keptLabels(claim), [LABELS.role]: "config" }) });
  return Volumes.length > 0;
}

/** Gives up everything that belongs to this gateway except its state and its workspace. */
export async function release(api: Docker, claim: ContainerClaim): Promise<void> {
  const { container, network } = namesOf(claim.container);
  await removeHelpers(api, claim);
  const left = await containerOf(api, claim);
  if (left && isOurs(claim, left.Config.Labels)) await removeContainer(api, container);
  await removeFiles(api, claim);
  const net = await found(api.getNetwork(network).inspect());
  if (net && isOurs(claim, net.Labels)) await found(api.getNetwork(network).remove());
}

/** Why an existing container must be recreated; `undefined` if it is as it was created. */
export async function whyRepair(
  api: Docker,
  claim: ContainerClaim,
  seen: Docker.ContainerInspectInfo,
): Promise<string | undefined> {
  const { Running, Restarting, Paused, ExitCode, Health } = seen.State;
  if (!isFinished(seen)) return "it has not become healthy yet";
  if (Paused) return "it is paused";
  if (!Running && !Restarting) return `it has stopped (${ExitCode})`;
  if (Health?.Status === "unhealthy") return "it is unhealthy";
  if (limitsIn(seen) !== seen.Config.Labels[LABELS.limits]) return "its limits have been changed";
  if (seen.HostConfig.RestartPolicy?.Name !== "unless-stopped") return "its restart policy has been changed";
  // Of the others nobody knows whether it was made with them. One that is gone is said elsewhere: it has to be recreated first.
  const { network } = namesOf(claim.container);
  const hasLeft = !(network in seen.NetworkSettings.Networks) && (await found(api.getNetwork(network).inspect()));
  return hasLeft ? `it has left the network ${network}` : undefined;
}

const limitsIn = ({ HostConfig: { Memory, NanoCpus, PidsLimit } }: Docker.ContainerInspectInfo): string =>
  limitsLabel({ memoryMiB: (Memory ?? 0) / 2 ** 20, cpus: (NanoCpus ?? 0) / 1e9, pids: PidsLimit ?? 0 });

/**
 * The volume that the gateway's container has its files from, if they were made for the same and the container is as it
 * should be. So nothing is recreated because of a changed text that means the same.
 */
export async function currentFiles(
  api: Docker,
  claim: ContainerClaim,
  role: "config" | "secrets",
  digest: string,
): Promise<string | undefined> {
  const seen = await containerOf(api, claim);
  if (!seen || (await whyRepair(api, claim, seen)) !== undefined) return undefined;
  const name = seen.Mounts.find(({ Destination }) => Destination === CONTAINER_PATHS[role])?.Name;
  if (name === undefined) return undefined;
  const volume = await found(api.getVolume(name).inspect());
  return volume?.Labels?.[LABELS.digest] === digest ? name : undefined;
}
