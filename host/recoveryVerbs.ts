/** What somebody does with recovery points by hand, without Pulumi. */
import { startGateway, undoUnfinished } from "./apply";
import { Failure } from "../model/failure";
import { pointedAt, readGeneration, readyPointer } from "./generation";
import type { HostGateway } from "./host";
import type { Progress } from "./liveChange";
import { waitForTurn } from "./partner";
import {
  beginRecoveryPoint,
  findRecoveryPoint,
  forgetWayBack,
  pruneRecoveryPoints,
  recoveryPoints,
  requireWhole,
  restoreState,
} from "./recovery";
import { supervisorFor } from "./supervisors/choose";

/** Puts a recovery point back, and the generation that ran on it. The present state is kept as one, too. */
export async function restoreGateway(gateway: HostGateway, id: string, progress: Progress): Promise<string> {
  const point = findRecoveryPoint(gateway, id);
  const generation = readGeneration(gateway, point.generation);
  const current = pointedAt(gateway, "current");
  if (!generation || !current)
    throw new Failure(
      `what ran on the recovery point ${id} is not on this host any more`,
      `restore it with your code: \`restoreFrom: "${id}"\` and \`version: "${point.version}"\`, then \`pulumi up\``,
    );
  await requireWhole(gateway, point);
  const supervisor = supervisorFor(gateway.host);
  const turn = await waitForTurn(gateway, progress);
  try {
    await undoUnfinished(gateway);
    await supervisor.stop(gateway, true);
    try {
      const kept = await (await beginRecoveryPoint(gateway, current, { reason: "restore", way: "stopped" })).seal();
      progress(`the present state is kept as recovery point ${kept.id}`);
      await restoreState(gateway, point, generation);
      readyPointer(gateway, "good", generation).place();
      forgetWayBack(gateway);
    } catch (error) {
      await startGateway(gateway);
      throw error;
    }
    return await startGateway(gateway);
  } finally {
    turn.release();
  }
}

/** Makes a recovery point while the gateway runs, or of one that is stopped. */
export async function backUp(gateway: HostGateway): Promise<string> {
  const current = pointedAt(gateway, "current");
  if (!current) throw new Failure(`gateway ${gateway.id} is not deployed`, "run `pulumi up`");
  const isRunning = supervisorFor(gateway.host).status(gateway).gatewayPid !== undefined;
  const point = await beginRecoveryPoint(gateway, current, {
    reason: "backup",
    way: isRunning ? "running" : "stopped",
  });
  const { id } = await point.seal();
  pruneRecoveryPoints(gateway, current.spec.backups);
  return id;
}

/** For people, or whole. */
export function listRecoveryPoints(gateway: HostGateway, isJson: boolean): string {
  const points = recoveryPoints(gateway);
  if (isJson) return JSON.stringify(points, null, 2);
  const size = (sizes: readonly { size: number }[]): string =>
    `${(sizes.reduce((sum, each) => sum + each.size, 0) / 1e6).toFixed(1)} MB`;
  return points
    .map(
      ({ id, madeAt, reason, version, archives }) =>
        `${id}  ${madeAt}  OpenClaw ${version}  ${reason}  ${size(archives)}`,
    )
    .join("\n");
}
