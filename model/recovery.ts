/** Recovery points, as far as preview and `up` decide by them. */
import type { ExpectedChange, Refusal } from "./reload";
import type { Spec } from "./spec";
import { isAtLeast } from "./versions";

/** The one that all of a gateway's agents share. Source: measured, 2026.8.2 to 2026.9.6. */
export const SHARED_DATABASE = "state/openclaw.sqlite";

/** What is known of a recovery point without its archives. */
export interface PointFacts {
  readonly id: string;
  readonly madeAt: string;
  readonly version: string;
  /** Schema versions. */
  readonly databases: Readonly<Record<string, number>>;
}

/** A gateway as it is there. */
export interface StateFacts {
  readonly version: string;
  /** Of the shared database, if that can be read. */
  readonly schema: number | undefined;
  /** Newest first. */
  readonly points: readonly PointFacts[];
  /** Id of the last one that the code had restored. */
  readonly restored: string | undefined;
}

const POINTS = "; recovery points: ";

/** As the end of what a deployment prints; nothing where there are none. */
export const pointsInWords = (points: readonly Pick<PointFacts, "id">[]): string =>
  points.length ? POINTS + points.map(({ id }) => id).join(", ") : "";

/** Ids of recovery points in what a deployment has printed, newest first. */
export function pointsIn(printed: string): string[] {
  const [, words = ""] = printed.split(POINTS);
  return words.split(/[,\s]+/).filter((id) => POINT_ID.test(id));
}

/** Ids of recovery points: a number that only grows, and the version of the state. */
export const POINT_ID = /^\d{4,}-[\w.-]+$/;

type Wanted = Pick<Spec, "version" | "restoreFrom">;

/** Whether the state of a recovery point is to take the place of the present one. */
export const isToRestore = ({ restoreFrom }: Wanted, { restored }: Pick<StateFacts, "restored">): boolean =>
  restoreFrom !== undefined && restoreFrom !== restored;

/** Why the state cannot become what is wanted. */
export function stateRefusal(wanted: Wanted, found: StateFacts): Refusal | undefined {
  if (isToRestore(wanted, found)) return restoreRefusal(wanted, found);
  const { version } = wanted;
  if (isAtLeast(version, found.version)) return undefined;
  const point = found.points.find((each) => each.version === version);
  const before = point?.databases[SHARED_DATABASE];
  if (!point || before === undefined || found.schema === undefined || before >= found.schema) return undefined;
  return {
    property: "version",
    reason: `is older than ${found.version}, which runs there and has migrated the gateway's state: OpenClaw ${version} does not read that`,
    advice: adviceToRestore(found.points, version),
  };
}

/** What to do for an older release. */
export function adviceToRestore(points: readonly PointFacts[], version: string): string {
  const point = points.find((each) => each.version === version);
  return point
    ? `go back to the state of ${point.madeAt} with it: \`restoreFrom: "${point.id}"\``
    : `stay with the present version: there is no recovery point of ${version}`;
}

function restoreRefusal({ version, restoreFrom }: Wanted, { points }: StateFacts): Refusal | undefined {
  const point = points.find(({ id }) => id === restoreFrom);
  if (!point)
    return {
      property: "restoreFrom",
      reason: `there is no recovery point ${restoreFrom} of this gateway`,
      advice: points.length ? `use one of ${points.map(({ id }) => id).join(", ")}` : "remove it: there are none yet",
    };
  if (point.version === version) return undefined;
  return {
    property: "restoreFrom",
    reason: `is the state of OpenClaw ${point.version}, and ${version} would migrate it again`,
    advice: `set \`version: "${point.version}"\` with it`,
  };
}

/** As a list, for who collects them. */
export const refusals = (change: ExpectedChange | null | undefined): Refusal[] =>
  change?.refusal ? [change.refusal] : [];
