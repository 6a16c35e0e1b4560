/** Inspects an engine before anything on it is touched, and reports what is not as it was left. */
import type Docker from "dockerode";
import { messageOf } from "../../model/failure";
import { defined } from "../../model/defined";
import type { ContainerClaim, EngineLookAnswer, EngineLookRequest } from "../../model/requests";
import { connect, isElsewhere, seenOn } from "./engine";
import { containerOf, hasFiles, missingThings, obstaclesTo, publishedPorts, whyRepair } from "./inventory";

export async function look({ engine, claims }: EngineLookRequest): Promise<EngineLookAnswer> {
  let api: Docker;
  let seen: Awaited<ReturnType<typeof seenOn>>;
  try {
    const ports = claims.flatMap(publishedPorts);
    [api, seen] = await Promise.all([connect(engine), seenOn(engine, ports)]);
  } catch (error) {
    return { silence: messageOf(error) };
  }
  const [{ NCPU, Name }, networks, gateways] = await Promise.all([
    api.info() as Promise<{ NCPU: number; Name?: string }>,
    api.listNetworks(),
    Promise.all(
      claims.map(async (claim) => {
        const container = await containerOf(api, claim);
        const [obstacles, repair] = await Promise.all([
          obstaclesTo(api, claim, seen.listening),
          whyAnew(api, claim, container),
        ]);
        const warnings = obstacles.length ? [] : await warningsOf(api, claim);
        return {
          obstacles,
          warnings,
          isThere: container !== undefined,
          ...(repair !== undefined && !obstacles.length && { repair }),
        };
      }),
    ),
  ]);
  const machine = {
    addresses: isElsewhere(engine, defined({ Name })) ? [] : seen.addresses,
    inNetworks: networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Gateway }) => Gateway ?? [])),
  };
  return { cpus: NCPU, machine, gateways };
}

async function whyAnew(
  api: Docker,
  claim: ContainerClaim,
  seen: Docker.ContainerInspectInfo | undefined,
): Promise<string | undefined> {
  if (seen) return whyRepair(api, claim, seen);
  return (await hasFiles(api, claim)) ? "its container is gone" : undefined;
}

/** For a gateway that was deployed before. */
async function warningsOf(api: Docker, claim: ContainerClaim): Promise<string[]> {
  if (!(await hasFiles(api, claim))) return [];
  return (await missingThings(api, claim)).map(
    ({ kind, name }) =>
      `the ${kind} ${name}${kind === "volume" ? ", with its contents," : ""} is gone from the engine: ` +
      "run pulumi up --refresh to recreate it",
  );
}
