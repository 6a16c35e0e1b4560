/** Containers. */
import type { ContainerArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";
import { cpusText } from "../../../model/containerLayout";
import { found, pairs, type Made, type Properties, type ResourceType } from "./resourceType";

type Inputs = Unwrap<ContainerArgs>;

const MEBIBYTE = 1024 * 1024;
const NANOSECONDS = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const POLL_MILLISECONDS = 250;

const IN_PLACE = [
  ...["attach", "cpuShares", "destroyGraceSeconds", "healthcheck", "init", "logs", "maxRetryCount", "memory"],
  ...[
    "memoryReservation",
    "memorySwap",
    "mustRun",
    "removeVolumes",
    "restart",
    "start",
    "tmpfs",
    "wait",
    "waitTimeout",
  ],
];
/** Of those, what Docker can change in a container; the others are in the state alone until it is made again. */
const LIMITS = ["cpuShares", "maxRetryCount", "memory", "memoryReservation", "memorySwap", "restart"];

export const container: ResourceType = {
  inputs: [
    ...IN_PLACE,
    ...["capabilities", "command", "cpus", "dns", "entrypoints", "envs", "groupAdds", "hostname", "hosts", "image"],
    ...["labels", "logDriver", "logOpts", "mounts", "name", "networkMode", "networksAdvanced", "ports", "readOnly"],
    ...["securityOpts", "shmSize", "stopSignal", "stopTimeout", "sysctls", "ulimits", "user", "volumes"],
    "workingDir",
  ],
  defaults: {
    attach: false,
    logs: false,
    mustRun: true,
    removeVolumes: true,
    restart: "no",
    start: true,
    wait: false,
    waitTimeout: 60,
  } satisfies Partial<Inputs>,
  outputs: ["containerLogs", "exitCode", "networkDatas"],
  inPlace: IN_PLACE,
  ordered: ["command", "dns", "entrypoints", "healthcheck"],
  namesItself: true,

  async create(api, properties): Promise<Made> {
    const inputs = properties as unknown as Inputs;
    if (!(await found(api.getImage(inputs.image).inspect())))
      throw new Error(`Unable to create container with image ${inputs.image}: it is not there, and nothing is pulled`);
    // The official plugin reads it back so, and would see a change at every `up`.
    if (inputs.cpus !== undefined && inputs.cpus !== cpusText(Number(inputs.cpus)))
      throw new Error(`cpus ${inputs.cpus} reads back as ${cpusText(Number(inputs.cpus))}`);
    const made = await api.createContainer({ name: inputs.name!, ...optionsOf(inputs) });
    let containerLogs = "";
    let failure: string | undefined;
    try {
      await joinNetworks(api, made, inputs);
      if (inputs.start) {
        await made.start();
        if (inputs.wait) await untilHealthy(made, inputs.waitTimeout!);
      }
      if (inputs.attach) {
        await made.wait();
        if (inputs.logs) containerLogs = (await made.logs({ stdout: true, stderr: true })).toString();
      }
    } catch (error) {
      failure = (error as Error).message;
    }
    const outputs = { ...outputsOf(await made.inspect()), containerLogs };
    return { id: made.id, outputs, ...(failure !== undefined && { failure }) };
  },

  /** What it sees of a container that is not as it was: that it does not run, its ports, its limits and its name. */
  async read(api, id, properties) {
    const seen = await found(api.getContainer(id).inspect());
    if (!seen) return undefined;
    const inputs = { ...properties } as Properties & Partial<Inputs>;
    const { State, HostConfig, NetworkSettings } = seen;
    const isPublished = Object.values(NetworkSettings.Ports).some((bindings) => bindings?.length);
    if ((State.Running || inputs.mustRun) && inputs.ports?.length && !isPublished) inputs.ports = [];
    if (!State.Running && inputs.mustRun) inputs.mustRun = false;
    inputs.name = seen.Name.slice(1);
    inputs.restart = HostConfig.RestartPolicy?.Name || "no";
    const memory = (HostConfig.Memory ?? 0) / MEBIBYTE;
    if (memory !== (inputs.memory ?? 0)) inputs.memory = memory;
    return { inputs, outputs: outputsOf(seen) };
  },

  async update(api, id, properties, olds) {
    const inputs = properties as unknown as Inputs;
    if (inputs.mustRun && olds.mustRun === false && inputs.start) await api.getContainer(id).start();
    if (LIMITS.some((name) => properties[name] !== olds[name])) await api.getContainer(id).update(limitsOf(inputs));
  },

  async delete(api, id, state) {
    const { attach, destroyGraceSeconds, removeVolumes } = state as Partial<Inputs>;
    const doomed = api.getContainer(id);
    if (!attach) await gone(doomed.stop({ t: destroyGraceSeconds ?? 0 }));
    await gone(doomed.remove({ force: true, v: removeVolumes ?? true }));
  },
};

/** That it has stopped already, or that it is away, is no failure. */
async function gone(call: Promise<unknown>): Promise<void> {
  await call.catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 304 && error.statusCode !== 404) throw error;
  });
}

function optionsOf(inputs: Inputs): Docker.ContainerCreateOptions {
  const { healthcheck } = inputs;
  const ports = inputs.ports ?? [];
  const portName = ({ internal, protocol = "tcp" }: (typeof ports)[number]) => `${internal}/${protocol}`;
  const volumes = inputs.volumes ?? [];
  return defined({
    Image: inputs.image,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    Env: inputs.envs,
    Hostname: inputs.hostname,
    User: inputs.user,
    WorkingDir: inputs.workingDir,
    StopSignal: inputs.stopSignal,
    StopTimeout: inputs.stopTimeout,
    Labels: pairs(inputs.labels),
    ExposedPorts: Object.fromEntries(ports.map((port) => [portName(port), {}])),
    Volumes: Object.fromEntries(volumes.filter((one) => !sourceOf(one)).map((one) => [one.containerPath!, {}])),
    Healthcheck: healthcheck && {
      Test: healthcheck.tests,
      Interval: nanoseconds(healthcheck.interval),
      Timeout: nanoseconds(healthcheck.timeout),
      StartPeriod: nanoseconds(healthcheck.startPeriod),
      Retries: healthcheck.retries,
    },
    HostConfig: defined({
      ...limitsOf(inputs),
      Binds: volumes.flatMap((one) => {
        const source = sourceOf(one);
        return source ? [`${source}:${one.containerPath}${one.readOnly ? ":ro" : ""}`] : [];
      }),
      CapAdd: inputs.capabilities?.adds,
      CapDrop: inputs.capabilities?.drops,
      NanoCpus: inputs.cpus === undefined ? undefined : Number(inputs.cpus) * 1e9,
      Dns: inputs.dns,
      ExtraHosts: inputs.hosts?.map(({ host, ip }) => `${host}:${ip}`),
      GroupAdd: inputs.groupAdds,
      Init: inputs.init ?? false,
      LogConfig: inputs.logDriver === undefined ? undefined : { Type: inputs.logDriver, Config: inputs.logOpts ?? {} },
      Mounts: inputs.mounts?.map((mount) => ({
        Type: mount.type as Docker.MountType,
        Source: mount.source ?? "",
        Target: mount.target,
        ReadOnly: mount.readOnly ?? false,
        ...(mount.tmpfsOptions && {
          TmpfsOptions: { SizeBytes: mount.tmpfsOptions.sizeBytes ?? 0, Mode: mount.tmpfsOptions.mode ?? 0o1777 },
        }),
      })),
      NetworkMode: inputs.networkMode,
      PortBindings: Object.fromEntries(
        ports.map((port) => [
          portName(port),
          [{ HostIp: port.ip ?? "0.0.0.0", HostPort: port.external === undefined ? "" : `${port.external}` }],
        ]),
      ),
      ReadonlyRootfs: inputs.readOnly ?? false,
      SecurityOpt: inputs.securityOpts,
      ShmSize: inputs.shmSize === undefined ? undefined : inputs.shmSize * MEBIBYTE,
      Sysctls: inputs.sysctls,
      Tmpfs: inputs.tmpfs,
      Ulimits: inputs.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    }),
  });
}

const limitsOf = ({ cpuShares, memory, memoryReservation, memorySwap, restart, maxRetryCount }: Inputs) =>
  defined({
    CpuShares: cpuShares,
    Memory: memory === undefined ? undefined : memory * MEBIBYTE,
    MemoryReservation: memoryReservation === undefined ? undefined : memoryReservation * MEBIBYTE,
    MemorySwap: memorySwap === undefined ? undefined : memorySwap > 0 ? memorySwap * MEBIBYTE : memorySwap,
    RestartPolicy: { Name: restart ?? "no", MaximumRetryCount: maxRetryCount ?? 0 },
  });

const sourceOf = ({ hostPath, volumeName }: NonNullable<Inputs["volumes"]>[number]) => hostPath ?? volumeName;

const defined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

function nanoseconds(duration = "0s"): number {
  const parts = [...duration.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  if (parts.map(([text]) => text).join("") !== duration) throw new Error(`"${duration}" is no duration`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * NANOSECONDS[unit as "s"], 0);
}

async function joinNetworks(api: Docker, made: Docker.Container, { networksAdvanced }: Inputs): Promise<void> {
  if (!networksAdvanced?.length) return;
  await api.getNetwork("bridge").disconnect({ Container: made.id });
  for (const { name, aliases, ipv4Address } of networksAdvanced)
    await api.getNetwork(name).connect({
      Container: made.id,
      EndpointConfig: {
        Aliases: aliases ?? [],
        IPAMConfig: ipv4Address === undefined ? {} : { IPv4Address: ipv4Address },
      },
    });
}

async function untilHealthy(made: Docker.Container, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const { Health } = (await made.inspect()).State;
    if (!Health) throw new Error("you have supplied a 'wait' argument, but the container does not have a healthcheck");
    if (Health.Status === "healthy") return;
    await new Promise((next) => setTimeout(next, POLL_MILLISECONDS));
  }
  throw new Error("container failed to be in healthy state");
}

const outputsOf = ({ State, NetworkSettings }: Docker.ContainerInspectInfo): Properties => ({
  exitCode: State.ExitCode,
  networkDatas: Object.entries(NetworkSettings.Networks).map(([networkName, one]) => ({
    networkName,
    ipAddress: one.IPAddress,
    ipPrefixLength: one.IPPrefixLen,
    gateway: one.Gateway,
    macAddress: one.MacAddress,
  })),
});
