/** Inspects an engine before anything on it is touched, and reports what is not as it was left. */
import type Docker from "dockerode";
import { messageOf } from "../../model/failure";
import type { Listener } from "../../model/conflict";
import type { ContainerClaim, EngineLookAnswer, EngineLookRequest } from "../../model/requests";
import { connect, listenersOn } from "./engine";
import { containerOf, hasFiles, missingThings, obstaclesTo, publishedPorts, whyRepair } from "./inventory";

export async function look({ engine, claims }: EngineLookRequest): Promise<EngineLookAnswer> {
  let api: Docker;
  let listening: Listener[];
  try {
    const ports = claims.flatMap(publishedPorts);
    [api, listening] = await Promise.all([connect(engine), listenersOn(engine, ports)]);
  } catch (error) {
    return { silence: messageOf(error) };
  }
  const [{ NCPU }, gateways] = await Promise.all([
    api.info() as Promise<{ NCPU: number }>,
    Promise.all(
      claims.map(async (claim) => {
        const seen = await containerOf(api, claim);
        const [obstacles, repair] = await Promise.all([obstaclesTo(api, claim, listening), whyAnew(api, claim, seen)]);
        const warnings = obstacles.length ? [] : await warningsOf(api, claim);
        return {
          obstacles,
          warnings,
          isThere: seen !== undefined,
          ...(repair !== undefined && !obstacles.length && { repair }),
        };
      }),
    ),
  ]);
  return { cpus: NCPU, gateways };
}

async function whyAnew(
  api: Docker,
  claim: ContainerClaim,
  seen: Docker.ContainerInspectInfo | undefined,
): Promise<string | undefined> {
  if (seen) return whyRepair(seen);
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
