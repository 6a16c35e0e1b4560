/** Images, networks and volumes. */
import type { NetworkArgs, RemoteImageArgs, VolumeArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";
import { found, pairs, type ResourceType } from "./resourceType";

const noUpdate = (): Promise<void> => Promise.resolve();

const imageOutputs = ({ Id, RepoDigests = [] }: Docker.ImageInspectInfo) => ({
  imageId: Id,
  repoDigest: RepoDigests[0] ?? "",
});

export const remoteImage: ResourceType = {
  inputs: ["name", "keepLocally", "forceRemove", "pullTriggers", "triggers"] satisfies (keyof RemoteImageArgs)[],
  defaults: {},
  outputs: ["imageId", "repoDigest"],
  inPlace: ["keepLocally", "forceRemove"],
  ordered: [],
  namesItself: false,
  async create(api, inputs) {
    const { name } = inputs as Unwrap<RemoteImageArgs>;
    const image = await found(api.getImage(name).inspect());
    if (!image) throw new Error(`unable to pull image ${name}: this double of the docker plugin pulls nothing`);
    return { id: image.Id + name, outputs: imageOutputs(image) };
  },
  async read(api, _id, inputs) {
    const image = await found(api.getImage(inputs.name as string).inspect());
    return image && { inputs, outputs: imageOutputs(image) };
  },
  update: noUpdate,
  async delete(api, _id, state) {
    const { name, keepLocally, forceRemove = false } = state as Unwrap<RemoteImageArgs>;
    if (!keepLocally) await found(api.getImage(name).remove({ force: forceRemove }));
  },
};

const networkOutputs = ({ Driver, Scope, Internal }: Docker.NetworkInspectInfo) => ({
  driver: Driver,
  internal: Internal,
  scope: Scope,
});

export const network: ResourceType = {
  inputs: [
    ...["name", "driver", "internal", "attachable", "ipv6"],
    ...["labels", "options", "ipamConfigs"],
  ] satisfies string[],
  defaults: {},
  outputs: ["driver", "internal", "scope"],
  inPlace: [],
  ordered: [],
  namesItself: true,
  async create(api, inputs) {
    const { name, driver, internal, attachable, ipv6, labels, options, ipamConfigs } = inputs as Unwrap<NetworkArgs>;
    const { id } = await api.createNetwork({
      Name: name!,
      CheckDuplicate: true,
      Driver: driver ?? "bridge",
      Internal: internal ?? false,
      Attachable: attachable ?? false,
      EnableIPv6: ipv6 ?? false,
      Labels: pairs(labels),
      Options: options ?? {},
      IPAM: {
        Driver: "default",
        Config: (ipamConfigs ?? []).map(({ subnet, gateway, ipRange }) => ({
          ...(subnet !== undefined && { Subnet: subnet }),
          ...(gateway !== undefined && { Gateway: gateway }),
          ...(ipRange !== undefined && { IPRange: ipRange }),
        })),
      },
    });
    return { id, outputs: networkOutputs(await api.getNetwork(id).inspect()) };
  },
  async read(api, id, inputs) {
    const seen = await found(api.getNetwork(id).inspect());
    return seen && { inputs, outputs: networkOutputs(seen) };
  },
  update: noUpdate,
  async delete(api, id) {
    await found(api.getNetwork(id).remove());
  },
};

const volumeOutputs = ({ Driver, Mountpoint }: Docker.VolumeInspectInfo) => ({
  driver: Driver,
  mountpoint: Mountpoint,
});

export const volume: ResourceType = {
  inputs: ["name", "driver", "driverOpts", "labels"] satisfies (keyof VolumeArgs)[],
  defaults: {},
  outputs: ["driver", "mountpoint"],
  inPlace: [],
  ordered: [],
  namesItself: true,
  async create(api, inputs) {
    const { name, driver, driverOpts, labels } = inputs as Unwrap<VolumeArgs>;
    // One that is there already is taken as it is: Docker says no word.
    await api.createVolume({
      Name: name!,
      Driver: driver ?? "local",
      DriverOpts: driverOpts ?? {},
      Labels: pairs(labels),
    });
    return { id: name!, outputs: volumeOutputs(await api.getVolume(name!).inspect()) };
  },
  async read(api, id, inputs) {
    const seen = await found(api.getVolume(id).inspect());
    return seen && { inputs, outputs: volumeOutputs(seen) };
  },
  update: noUpdate,
  async delete(api, id) {
    await found(api.getVolume(id).remove());
  },
};
