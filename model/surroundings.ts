/** What a gateway's container has around it besides its own network and volumes. Pure. */
import { CONTAINER_PATHS } from "./containerLayout";
import { isWithin } from "./hostLayout";

export interface Surroundings {
  /** Docker networks that it joins. */
  readonly networks?: readonly string[];
  /** Host names that it knows: each with an IP address, or `host-gateway`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /** Directories and files of the engine's machine, by where they are in the container. */
  readonly mounts?: readonly Mount[];
  /** More of its ports that the engine's machine has under the same number. */
  readonly publish?: readonly number[];
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

/** A mount in the place of the gateway's own volume. */
export const isWorkspace = ({ target }: Mount): boolean => target === CONTAINER_PATHS.workspace;
export const isInWorkspace = ({ target }: Mount): boolean => isWithin(target, CONTAINER_PATHS.workspace);

const SOCKET = /\/(docker|containerd|podman|crio|buildkitd)\.sock$/;
/** What must not be in a mount. */
const SYSTEM = ["/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/usr", "/var/lib"];
/** The kernel's and the engine's: nothing in there is for a container, other gateways' volumes included. */
const NOBODYS = ["/proc", "/sys", "/dev", "/var/lib/docker", "/var/lib/containerd"];
/**
 * Of services that start programs, each directory with its sockets; user id 1000 is often somebody's own there. What secret
 * managers keep beside them, e.g. /run/secrets, is fine.
 */
const SERVICES = /^(\/var)?\/run\/(user|systemd|dbus|docker|containerd|podman|crio|buildkit)(\/|$)/;
/** What gateways on that machine were set up with, their secrets included. */
const GATEWAYS = /\/\.pulumi-openclaw(\/|$)/;
/** Whole homes: what their owners have in them, and where, is known to nobody here. */
const HOME = /^(\/root|(\/var)?\/home(\/[^/]+)?)$/;
/** State directories by OpenClaw's own names, of whatever profile; and the workspaces in them. */
const STATE = /\/\.openclaw(-[^/]+)?(\/|$)/;
const WORKSPACE = /\/\.openclaw(-[^/]+)?\/workspace/;

/** Whether a gateway on the machine, e.g. one that this container is to replace, has its workspace there by default. */
export const isGatewaysWorkspace = (source: string): boolean => WORKSPACE.test(source);

/**
 * Why a path of the engine's machine is given to no gateway. `engines`: further directories of the engine itself, and its
 * socket.
 */
export function whyNotMounted(source: string, engines: readonly string[] = []): string | undefined {
  if (SOCKET.test(source)) return "is the socket of an engine: whoever has it is root on that machine";
  if (SERVICES.test(source))
    return "has sockets of services that start programs: whoever has one does so on that machine";
  if (GATEWAYS.test(source)) return "holds gateways of that machine, their secrets included";
  if (STATE.test(source) && !isGatewaysWorkspace(source))
    return "is a gateway's state on that machine, its secrets included";
  if (HOME.test(source)) return "is somebody's home: with its keys and start-up files the bot could act as its owner";
  if ([...SYSTEM, ...engines].some((path) => isWithin(path, source)))
    return "holds what the machine itself runs on: whoever changes it is root there";
  if ([...NOBODYS, ...engines].some((path) => isWithin(source, path)))
    return "belongs to the kernel or to the engine itself, other gateways' volumes included";
  return undefined;
}

/** Places in the container that are the gateway's own, with all that is in them. */
const OWN = [CONTAINER_PATHS.state, CONTAINER_PATHS.config, CONTAINER_PATHS.secrets, "/tmp", "/app"];
/** Of the kernel. */
const KERNELS = ["/proc", "/sys", "/dev"];
/** Those of which a part may be mounted, e.g. a certificate or one more program, but not the whole. */
const IMAGES = ["/etc", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib", "/bin", "/sbin", "/lib", "/lib64"];

/** Whether a path in the container is not for mounts. */
export function isOwnPlace(target: string): boolean {
  if (isWithin(target, CONTAINER_PATHS.workspace)) return false;
  return (
    [...OWN, ...KERNELS].some((path) => isWithin(target, path)) ||
    [...OWN, ...KERNELS, ...IMAGES].some((path) => isWithin(path, target))
  );
}
