/** Looks at an engine before anything on it is touched, and says what is not as it was left. */
import type Docker from "dockerode";
import { messageOf } from "../../host/failure";
import type { ContainerClaim, LookAnswer, LookRequest } from "../request";
import { connect, found } from "./engine";
import { namesOf } from "./names";
import { containerOf, hasFiles, obstaclesTo, whyRepair } from "./owned";

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
        const seen = await containerOf(api, claim);
        const [obstacles, repair] = await Promise.all([obstaclesTo(api, claim), whyAnew(api, claim, seen)]);
        const warnings = obstacles.length ? [] : await missingThings(api, claim);
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
