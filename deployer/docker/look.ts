/** Looks at an engine before anything on it is touched, and says what is not as it was left. */
import type Docker from "dockerode";
import { messageOf } from "../../host/failure";
import type { ContainerClaim, LookAnswer, LookRequest } from "../request";
import { connect, found } from "./engine";
import { LABELS, limitsLabel, namesOf } from "./names";
import { containerOf, hasFiles, isFinished, obstaclesTo } from "./owned";

export async function look({ engine, claims }: LookRequest): Promise<LookAnswer> {
  let api: Docker;
  try {
    api = await connect(engine);
  } catch (error) {
    return { silence: messageOf(error) };
  }
  const [{ NCPU }, gateways] = await Promise.all([
    api.info() as Promise<{ NCPU: number }>,
    Promise.all(
      claims.map(async (claim) => {
        const [obstacles, repair] = await Promise.all([obstaclesTo(api, claim), whyRepair(api, claim)]);
        const warnings = obstacles.length ? [] : await missingThings(api, claim);
        return { obstacles, warnings, ...(repair !== undefined && !obstacles.length && { repair }) };
      }),
    ),
  ]);
  return { cpus: NCPU, gateways };
}

async function whyRepair(api: Docker, claim: ContainerClaim): Promise<string | undefined> {
  const seen = await containerOf(api, claim);
  if (!seen) return (await hasFiles(api, claim)) ? "its container is gone" : undefined;
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

/** Of a gateway that has been there. */
async function missingThings(api: Docker, claim: ContainerClaim): Promise<string[]> {
  if (!(await hasFiles(api, claim))) return [];
  const { network, state, workspace } = namesOf(claim.container);
  const missing = [
    ...((await found(api.getNetwork(network).inspect())) ? [] : [`the network ${network}`]),
    ...(await Promise.all(
      [state, workspace].map(async (name) =>
        (await found(api.getVolume(name).inspect())) ? [] : [`the volume ${name}, with what was on it,`],
      ),
    ).then((lists) => lists.flat())),
  ];
  return missing.map((what) => `${what} is gone from the engine: pulumi up --refresh makes it anew`);
}
