/** Where things are on a host. The only place that joins these names. */
import { join } from "node:path/posix";

/** Home of the account that gateways run as if the deployer is root. */
export const ACCOUNT_HOME = "/var/lib/openclaw";
/** PATH of everything that we start. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Default name of that account. */
export const DEFAULT_ACCOUNT = "openclaw";
/** File that names the owner of a state directory. */
export const STATE_OWNER_FILE = ".pulumi-openclaw.json";

/** Directory in a state directory that we work in; of its account, like everything there. */
export const WORK_DIR = ".pulumi-openclaw";

/** What keeps gateways running: systemd, or a background process of ours where there is no service manager. */
export type SupervisorKind = "systemd" | "process";

/** A host's directories: plain facts, known before anything is touched. */
export interface HostLayout {
  /** Directory under which everything is put. */
  readonly root: string;
  /** Directory of the wrapper commands. */
  readonly binDir: string;
  /** System account of the gateways; `null`: they run as the deploying user. */
  readonly account: string | null;
  /** Absent: systemd, if it is running. */
  readonly supervisor?: SupervisorKind;
  /** URL of the npm registry; missing: the one that the deployer's npm uses. */
  readonly registry?: string;
  /** Whether the deployer sends Node.js, npm and the releases; then nothing is downloaded on the host. */
  readonly push?: boolean;
}

/** stdin of `setup`. */
export interface LayoutToSetUp extends HostLayout {
  /** Base64 of `user:password`; kept apart from the rest, which everybody may read. */
  readonly registryLogin?: string;
}

/** What npm reads its login from; absent where the registry needs none. */
export const npmrcFile = (manage: string): string => join(manage, "npmrc");

/** A string quoted as one word for the shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export const manageDir = (root: string): string => join(root, ".pulumi-openclaw");
/** What the gateways there were set up with. */
export const hostFile = (manage: string): string => join(manage, "host.json");
export const hostCommand = (root: string): string => join(manageDir(root), "host");
/** Archives of Node.js and npm that were sent and are not unpacked yet. */
export const pushedDir = (manage: string): string => join(manage, "pushed");
/** Last recovery points of gateways whose state was removed. */
export const purgedDir = (root: string): string => join(root, "purged");
export const gatewaysDir = (manage: string): string => join(manage, "gateways");

/** Paths of one gateway below the managed directory. */
export interface GatewayPaths {
  readonly dir: string;
  readonly owner: string;
  readonly current: string;
  readonly good: string;
  readonly generations: string;
  readonly releases: string;
  readonly secrets: string;
  readonly jobs: string;
  /** Its recovery points. */
  readonly backups: string;
  /** What is being restored, and where it comes from; absent: nothing is. */
  readonly restoring: string;
  /** The last recovery point that was restored because the code wants it. */
  readonly restored: string;
  /** The recovery point to go back to, while something else runs on the state and is not proved. */
  readonly wayBack: string;
  readonly supervisorState: string;
  readonly log: string;
}

export function gatewayPaths(manage: string, id: string): GatewayPaths {
  const dir = join(gatewaysDir(manage), id);
  return {
    dir,
    owner: join(dir, "owner.json"),
    current: join(dir, "current"),
    good: join(dir, "good"),
    generations: join(dir, "generations"),
    releases: join(dir, "releases"),
    secrets: join(dir, "secrets"),
    jobs: join(dir, "jobs"),
    backups: join(dir, "backups"),
    restoring: join(dir, "restoring.json"),
    restored: join(dir, "restored.json"),
    wayBack: join(dir, "way-back.json"),
    supervisorState: join(dir, "supervisor.json"),
    log: join(dir, "gateway.log"),
  };
}

/** What a generation consists of, in its directory: the configuration that OpenClaw reads, how to run it, and the rest of its spec. */
export const CONFIG_FILE = "openclaw.json";
export const SERVICE_FILE = "service.json";
export const SPEC_FILE = "spec.json";

/** A release that the deployer sent; stays until a deployment has succeeded. */
export const pushedRelease = (releases: string, version: string): string => join(releases, `${version}.tgz`);

/** Set in the environment of a gateway and of everything that it starts, so that all of it can be found. */
export const TAG_VARIABLE = "PULUMI_OPENCLAW_GATEWAY";
export const gatewayTag = (gatewayDir: string): string => `${TAG_VARIABLE}=${gatewayDir}`;

/** Name of a gateway on its host: the profile, and `main` for the default profile. */
export const gatewayId = (profile: string): string => (profile === "default" ? "main" : profile);

export const wrapperName = (id: string): string => `openclaw-${id}`;

/** OpenClaw's own service names. Source: `openclaw gateway install`, OpenClaw 2026.9.6. */
export const serviceName = (profile: string): string =>
  profile === "default" ? "openclaw-gateway" : `openclaw-gateway-${profile}`;

export const defaultStateDir = (root: string, profile: string): string =>
  join(root, profile === "default" ? ".openclaw" : `.openclaw-${profile}`);

/** OpenClaw's databases. Source: measured, 2026.9.6. */
export const databasesOf = (stateDir: string): string => join(stateDir, "state");

export const defaultWorkspace = (stateDir: string): string => join(stateDir, "workspace");

/** The configuration that a gateway reads: below a directory that only its owner can change. */
export const configFile = (manage: string, id: string): string => join(gatewayPaths(manage, id).current, CONFIG_FILE);

export const gatewayLogFile = (stateDir: string): string => join(stateDir, "logs", "openclaw.log");

/** Whether `path` is `dir` or lies inside it. */
export function isWithin(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir.endsWith("/") ? dir : `${dir}/`);
}
