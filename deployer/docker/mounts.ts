/** Looks at the directories and files of the engine's machine that a gateway's container is to have. */
import type Docker from "dockerode";
import type { Conflict } from "../../model/conflict";
import { USER } from "../../model/containerLayout";
import type { ContainerClaim, EngineAddress } from "../../model/requests";
import { whyNotMounted, type Mount } from "../../model/surroundings";
import { isElsewhere, runOn } from "./engine";

/** Its own words about itself. */
interface EngineFacts {
  readonly Name?: string;
  readonly DockerRootDir?: string;
  readonly SecurityOptions?: readonly string[];
}

/** What is in the way of a gateway's mounts, as far as it can be seen without a container: that is tried before a change. */
export async function mountObstacles(api: Docker, { engine, around = {} }: ContainerClaim): Promise<Conflict[]> {
  const { mounts = [] } = around;
  if (!mounts.length) return [];
  const facts = (await api.info()) as EngineFacts;
  const seen = await pathsOn(
    engine,
    facts,
    mounts.map(({ source }) => source),
  );
  return mounts.flatMap((mount, index) => {
    const obstacle = obstacleOf(mount, seen[index]!, enginePlaces(engine, facts), hasOwnUsers(facts));
    return obstacle ? [{ property: "mounts", ...obstacle }] : [];
  });
}

type Reason = Pick<Conflict, "reason" | "advice">;

function obstacleOf(mount: Mount, seen: Seen, engines: readonly string[], ownUsers: boolean): Reason | undefined {
  const { source } = mount;
  const why = [source, ...(seen.is === "there" ? [seen.path] : [])]
    .map((path) => whyNotMounted(path, engines))
    .find((each) => each !== undefined);
  if (why !== undefined)
    return { reason: `${source} ${why}`, advice: "mount the one directory that the gateway needs" };
  if (seen.is === "missing")
    return {
      reason: `${source} does not exist on the engine's machine`,
      advice: `create it there: sudo ${mount.readOnly ? "mkdir -p" : `install -d -o ${USER} -g ${USER}`} ${source}`,
    };
  if (seen.is !== "there" || ownUsers || mayUse(mount, seen)) return undefined;
  return { reason: closedTo(mount), advice: giveTo(mount) };
}

export const closedTo = ({ source, readOnly }: Mount): string =>
  `user id ${USER}, which the gateway runs as, cannot ${readOnly ? "read" : "read and write"} ${source}`;
/** What is only read stays its owner's. */
export const giveTo = ({ source, readOnly }: Mount): string =>
  readOnly
    ? `on the engine's machine: sudo setfacl -R -m u:${USER}:rX ${source}; or, for everybody there: sudo chmod -R a+rX ${source}`
    : `on the engine's machine: sudo chown -R ${USER}:${USER} ${source}; or set its readOnly to true`;

/** Nothing of the engine itself goes into a container. */
function enginePlaces({ host }: EngineAddress, { DockerRootDir }: EngineFacts): string[] {
  const { protocol, pathname } = new URL(host);
  return [...(DockerRootDir ? [DockerRootDir] : []), ...(protocol === "unix:" ? [pathname] : [])];
}

/** Rootless, or with user namespaces: then user ids in containers are others on the machine. */
const hasOwnUsers = ({ SecurityOptions = [] }: EngineFacts): boolean =>
  SecurityOptions.some((option) => /^name=(rootless|userns)/.test(option));

type Seen =
  | { readonly is: "missing" | "unknown" }
  | { readonly is: "there"; readonly path: string; readonly mode: string; readonly uid: number; readonly gid: number };

const UNKNOWN: Seen = { is: "unknown" };

/** Nothing is known where this machine is not the engine's, e.g. in a container with its socket, or where ssh allows `docker` only. */
async function pathsOn(engine: EngineAddress, facts: EngineFacts, paths: readonly string[]): Promise<Seen[]> {
  const said = isElsewhere(engine, facts) ? "" : await runOn(engine, lookAt(paths));
  const lines = said.split("\n");
  return paths.map((_, index) => seenIn(lines.slice(index * 2, index * 2 + 2)));
}

/** Two lines for each: where it leads, and what it is. */
const lookAt = (paths: readonly string[]): string =>
  `export LC_ALL=C; for path in ${paths.map((path) => `'${path}'`).join(" ")}; do ` +
  'readlink -f -- "$path" || echo; ls -ndL -- "$path" 2>&1 | head -n 1; done';

function seenIn([path = "", line = ""]: readonly string[]): Seen {
  if (line.endsWith(": No such file or directory")) return { is: "missing" };
  const [, mode, uid, gid] = /^([-dspbc][-rwxsStT]{9})\.? +\d+ +(\d+) +(\d+) /.exec(line) ?? [];
  // With an access list (a + behind its mode) only a try can tell.
  return mode === undefined || !path.startsWith("/")
    ? UNKNOWN
    : { is: "there", path, mode, uid: Number(uid), gid: Number(gid) };
}

/** By its owner, its group or everybody's rights: a container has no other groups. */
function mayUse({ readOnly }: Mount, { mode, uid, gid }: Extract<Seen, { is: "there" }>): boolean {
  const from = uid === USER ? 1 : gid === USER ? 4 : 7;
  const [read, write, enter] = mode.slice(from, from + 3);
  return read === "r" && (readOnly === true || write === "w") && (!mode.startsWith("d") || /[xst]/.test(enter!));
}
