/** What is a gateway's on an engine, by its labels. */
import type Docker from "dockerode";
import { Failure } from "../../model/failure";
import { describeListener, type Listener } from "../../model/conflict";
import type { ContainerClaim, ContainerObstacle } from "../../model/requests";
import { found, listenersOn } from "./engine";
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

/** For lists of the engine. */
const filterOf = (labels: Record<string, string>): string =>
  JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) });

const isOf = (claim: ContainerClaim, labels: Labels): boolean =>
  Object.entries(keptLabels(claim)).every(([name, value]) => labels?.[name] === value);

/** The same, and this very stack's, as far as that is known. */
function isOurs(claim: ContainerClaim, labels: Labels): boolean {
  const { id } = claim.owner;
  return isOf(claim, labels) && (id === undefined || labels?.[LABELS.owner] === id);
}

export const containerOf = (api: Docker, { container }: Pick<ContainerClaim, "container">) =>
  found(api.getContainer(container).inspect());

/** What a container needs and Docker would make empty, or not at all: `files` are further volumes. */
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
 * It has a limit of processes since it was found healthy: @pulumi/docker has no input for that, so that nothing else
 * sets it. One without was made by an `up` that did not get to its end, and may be in no state.
 */
export const isFinished = ({ HostConfig }: Docker.ContainerInspectInfo): boolean => (HostConfig.PidsLimit ?? 0) > 0;

/** What on the engine forbids the gateway; `listening` are programs on its machine. Only looks. */
export async function obstaclesTo(
  api: Docker,
  claim: ContainerClaim,
  listening: readonly Listener[],
): Promise<ContainerObstacle[]> {
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
      reason: `there is a ${what} ${name} on the engine that is not this gateway's`,
      advice:
        what === "volume"
          ? `rename the stack or the gateway; or, if nothing in it is needed: ${docker} volume rm ${name}`
          : `rename the stack or the gateway; or, if it is not needed: ${docker} ${what} rm ${what === "container" ? "-f " : ""}${name}`,
    }));
  const own = container && isOurs(claim, container.Config.Labels) ? portsKeptBy(container) : [];
  const others = listening.filter(({ port }) => !own.includes(port));
  return [...foreign, ...(await takenPorts(api, claim, others)), ...(await missingImage(api, claim))];
}

/**
 * Ports that Docker keeps for a container that runs, or ends and is started again and again: between two starts its proxy
 * may still listen (seen), while the list of containers shows no port of it.
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

async function takenPorts(
  api: Docker,
  claim: ContainerClaim,
  listening: readonly Listener[],
): Promise<ContainerObstacle[]> {
  const { ports, address } = claim.publish;
  const all = await api.listContainers();
  const published = all.flatMap(({ Names, Ports }) =>
    Ports.filter(({ Type }) => Type === "tcp").map(({ IP, PublicPort }) => ({
      port: PublicPort,
      address: IP,
      name: Names[0]!.slice(1),
    })),
  );
  return ports.flatMap((port): ContainerObstacle[] => {
    const there = published.filter((each) => each.port === port);
    const holder = there.find((each) => each.name !== claim.container && meet(each.address, address));
    // Who listens for a container is Docker itself.
    const listener = there.length ? undefined : listening.find((each) => each.port === port);
    if (!holder && !listener) return [];
    return [
      {
        property: "basePort",
        reason: holder
          ? `port ${port} is published by the container ${holder.name}`
          : `port ${port} is in use by ${describeListener(listener!)}`,
        advice: "use another base port, or end what uses it",
      },
    ];
  });
}

async function missingImage(api: Docker, claim: ContainerClaim): Promise<ContainerObstacle[]> {
  const { image } = claim;
  if (image === undefined || (await found(api.getImage(image).inspect()))) return [];
  return [
    {
      property: "version",
      reason: `the image ${image} is not on the engine, and pull is "never"`,
      advice: `put it there, e.g. ${dockerCommand(claim.engine.host)} pull ${image}, or docker save and docker load`,
    },
  ];
}

/** Throws what forbids the gateway. */
export async function requireFree(api: Docker, claim: ContainerClaim): Promise<void> {
  const obstacles = await obstaclesTo(api, claim, await listenersOn(claim.engine, claim.publish.ports));
  if (obstacles.length)
    throw new Failure(
      `gateway ${claim.owner.gateway} was not touched:\n` +
        obstacles.map(({ property, reason, advice }) => `  ${property}: ${reason}\n    -> ${advice}`).join("\n"),
    );
}

/** Containers that only helped, of a command that was killed. */
export async function removeHelpers(api: Docker, claim: ContainerClaim): Promise<void> {
  const all = await api.listContainers({ all: true, filters: filterOf(labelsOf(claim, "helper")) });
  await Promise.all(all.map(({ Id }) => removeContainer(api, Id)));
}

export const removeContainer = (api: Docker, id: string): Promise<unknown> =>
  found(api.getContainer(id).remove({ force: true, v: true }));

/** Removes the gateway's volumes with files, but those that are named; also those of a stack whose state was lost. */
export async function removeFiles(api: Docker, claim: ContainerClaim, kept: readonly string[] = []): Promise<void> {
  for (const role of ["config", "secrets"] as const) {
    const { Volumes } = await api.listVolumes({ filters: filterOf({ ...keptLabels(claim), [LABELS.role]: role }) });
    for (const { Name } of Volumes) if (!kept.includes(Name)) await found(api.getVolume(Name).remove());
  }
}

/** Whether it has had a container, as far as one can see. */
export async function hasFiles(api: Docker, claim: ContainerClaim): Promise<boolean> {
  const { Volumes } = await api.listVolumes({ filters: filterOf({ ...keptLabels(claim), [LABELS.role]: "config" }) });
  return Volumes.length > 0;
}

/** Gives up everything that is this gateway's but its state and its workspace. */
export async function release(api: Docker, claim: ContainerClaim): Promise<void> {
  const { container, network } = namesOf(claim.container);
  await removeHelpers(api, claim);
  const left = await containerOf(api, claim);
  if (left && isOurs(claim, left.Config.Labels)) await removeContainer(api, container);
  await removeFiles(api, claim);
  const net = await found(api.getNetwork(network).inspect());
  if (net && isOurs(claim, net.Labels)) await found(api.getNetwork(network).remove());
}

/** Why a container that is there has to be made anew; nothing where it is as it was made. */
export function whyRepair(seen: Docker.ContainerInspectInfo): string | undefined {
  const { Running, Restarting, Paused, ExitCode, Health } = seen.State;
  if (!isFinished(seen)) return "it has not become healthy yet";
  if (Paused) return "it is paused";
  if (!Running && !Restarting) return `it has stopped (${ExitCode})`;
  if (Health?.Status === "unhealthy") return "it is unhealthy";
  if (limitsIn(seen) !== seen.Config.Labels[LABELS.limits]) return "its limits have been changed";
  if (seen.HostConfig.RestartPolicy?.Name !== "unless-stopped") return "its restart policy has been changed";
  return undefined;
}

const limitsIn = ({ HostConfig: { Memory, NanoCpus, PidsLimit } }: Docker.ContainerInspectInfo): string =>
  limitsLabel({ memoryMiB: (Memory ?? 0) / 2 ** 20, cpus: (NanoCpus ?? 0) / 1e9, pids: PidsLimit ?? 0 });

/**
 * The volume that the gateway's container has its files from, if they were made for the same and the container is as it
 * should be. So nothing is made anew because a text has changed that means the same.
 */
export async function currentFiles(
  api: Docker,
  claim: ContainerClaim,
  role: "config" | "secrets",
  digest: string,
): Promise<string | undefined> {
  const seen = await containerOf(api, claim);
  if (!seen || whyRepair(seen) !== undefined) return undefined;
  const name = seen.Mounts.find(({ Destination }) => Destination === CONTAINER_PATHS[role])?.Name;
  if (name === undefined) return undefined;
  const volume = await found(api.getVolume(name).inspect());
  return volume?.Labels?.[LABELS.digest] === digest ? name : undefined;
}
