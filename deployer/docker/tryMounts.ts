/** Tries what a gateway's container is to have of the engine's machine, before anything is changed. */
import type Docker from "dockerode";
import { USER } from "../../model/containerLayout";
import { Failure, messageOf } from "../../model/failure";
import type { ContainerClaim } from "../../model/requests";
import { isInWorkspace } from "../../model/surroundings";
import { labelsOf, removeContainer } from "./inventory";
import { closedTo, giveTo } from "./mounts";

const MOUNTS = "/mounts";

/** In the end only a container can say what its user may do there. It changes nothing. */
export async function tryMounts(api: Docker, claim: ContainerClaim, image: string): Promise<void> {
  const mounts = claim.around?.mounts ?? [];
  if (!mounts.length) return;
  const failed = (what: string, advice: string): Failure => new Failure(`${what}; nothing was changed`, advice);
  const helper = await api
    .createContainer({
      Image: image,
      Cmd: ["sh", "-c", TRY, "sh", ...mounts.map(({ readOnly }, index) => `${readOnly ? "r" : "w"}${MOUNTS}/${index}`)],
      User: `${USER}:${USER}`,
      Labels: labelsOf(claim, "helper"),
      HostConfig: {
        NetworkMode: "none",
        Mounts: mounts.map(({ source, readOnly = false }, index) => ({
          Type: "bind" as const,
          Source: source,
          Target: `${MOUNTS}/${index}`,
          ReadOnly: readOnly,
        })),
      },
    })
    .catch((error: unknown) => {
      throw failed(
        `${claim.owner.gateway} cannot have its mounts: ${messageOf(error)}`,
        "remove what the engine names from `mounts`, or create it there",
      );
    });
  try {
    await helper.start();
    const { StatusCode } = (await helper.wait()) as { StatusCode: number };
    const closed = mounts[StatusCode - FIRST];
    if (closed) throw failed(`gateway ${claim.owner.gateway}: ${closedTo(closed)}`, giveTo(closed));
  } finally {
    await removeContainer(api, helper.id);
  }
}

/** Exits with the first that cannot be used, counted from this. */
const FIRST = 10;
const TRY = `n=${FIRST}
for each; do
  path=\${each#?}
  [ -r "$path" ] || exit $n
  [ ! -d "$path" ] || [ -x "$path" ] || exit $n
  [ "\${each%%/*}" = r ] || [ -w "$path" ] || exit $n
  n=$((n + 1))
done`;

/**
 * For a run of a new gateway beside the old one: what its configuration may name, and nothing that it could change. What is in
 * its workspace is not there; a gateway starts without. Source: measured on 2026.9.6, also with a workspace that is read-only.
 */
export const rehearsedMounts = ({ around = {} }: ContainerClaim) =>
  (around.mounts ?? [])
    .filter((mount) => !isInWorkspace(mount))
    .map(({ source, target }) => ({ Type: "bind" as const, Source: source, Target: target, ReadOnly: true }));
