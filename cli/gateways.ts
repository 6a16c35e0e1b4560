/** The gateways to check: those in a stack's state, and those that no stack owns. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { ExistingMainOutputs } from "../model/outputs";
import type { PortRange } from "../model/ports";
import { findExistingGateway, isUnknown } from "../inspect/existingGateway";
import { quote } from "../model/hostLayout";
import { gatewayHealth } from "../inspect/health";
import { listeners } from "../inspect/listeners";
import { defined } from "../model/defined";

/** A gateway as the check sees it. */
export interface CheckedGateway {
  /** Name of its Pulumi resource, or what it is. */
  readonly name: string;
  /** Whether the stack owns it. */
  readonly isOurs: boolean;
  readonly port: number;
  readonly url: string;
  /** The version that the stack says is running; unknown for a gateway that no stack owns. */
  readonly version?: string;
  /** The command for its CLI, as typed in a shell. */
  readonly command: string;
  readonly stateDir: string;
  /** Its configuration, which this package has written on this machine. */
  readonly configPath?: string;
  /** File of its command, if this package's host program runs it. */
  readonly wrapper?: string;
  /** In a container, it tells its version only to those with its token, and only these ports are on this machine. */
  readonly published?: PortRange;
  /** Command that restarts it, as typed in a shell. */
  readonly restart?: string;
  /** Whether a rescue gateway of the stack describes it: its `existingMain` says what its command is. */
  readonly isDescribed?: true;
}

interface StateResource {
  readonly type: string;
  readonly urn: string;
  readonly parent?: string;
  readonly outputs?: {
    readonly ports?: { readonly gateway: number };
    readonly portBlock?: PortRange;
    readonly url?: string;
    readonly version?: string;
    readonly wrapper?: string;
    readonly stateDir?: string;
    readonly configPath?: string;
    readonly existingMain?: ExistingMainOutputs;
  };
}

export interface StackGateways {
  readonly gateways: readonly CheckedGateway[];
  /** Names of those in the stack that never became healthy. */
  readonly neverUp: readonly string[];
  /** Names of those that run on other machines. */
  readonly elsewhere?: readonly string[];
}

/** Types of child resources that show where a gateway runs. */
const REMOTE = "command:remote:Command";
const CONTAINER = "docker:index/container:Container";

/** The gateways of a stack, from `pulumi stack export`. */
export function gatewaysOfState(exported: string): StackGateways {
  const { deployment } = JSON.parse(exported) as { deployment?: { resources?: readonly StateResource[] } };
  const gateways: CheckedGateway[] = [];
  const neverUp: string[] = [];
  const elsewhere: string[] = [];
  const resources = deployment?.resources ?? [];
  const withChild = (wanted: string) =>
    new Set(resources.filter(({ type }) => type === wanted).map(({ parent }) => parent));
  const [remote, contained] = [withChild(REMOTE), withChild(CONTAINER)];
  for (const { type, urn, outputs } of resources) {
    if (type !== "openclaw:index:Gateway") continue;
    const name = urn.split("::").at(-1)!;
    const { ports, portBlock, url, version, wrapper, stateDir, configPath, existingMain } = outputs ?? {};
    if (remote.has(urn) || wrapper?.startsWith("docker -H ssh:")) {
      elsewhere.push(name);
      continue;
    }
    const isContainer = contained.has(urn);
    if (existingMain) gateways.push(mainOf(existingMain));
    if (ports && url !== undefined && version && wrapper && stateDir)
      gateways.push({
        name,
        isOurs: true,
        url,
        port: ports.gateway,
        version,
        command: isContainer ? wrapper : shellQuoted(wrapper),
        stateDir,
        ...(!isContainer && defined({ wrapper, configPath })),
        ...(isContainer && { published: portBlock ?? { first: ports.gateway, last: ports.gateway } }),
      });
    else neverUp.push(name);
  }
  // The state has them in the order in which they came up.
  return { gateways: gateways.sort((a, b) => a.name.localeCompare(b.name)), neverUp, elsewhere };
}

const mainOf = ({ url, command, stateDir, restart }: ExistingMainOutputs): CheckedGateway =>
  defined({
    name: "main",
    isOurs: false,
    url,
    port: Number(new URL(url).port),
    command,
    stateDir,
    restart,
    isDescribed: true,
  });

/** Its health, in words. */
export const askHealth = (gateway: CheckedGateway): Promise<string> =>
  gatewayHealth({ ...gateway, host: new URL(gateway.url).hostname, isContainer: gateway.published !== undefined });

/** A path as typed in a shell. */
export const shellQuoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : quote(path));

/** A gateway of the default profile that runs in this user's home that is not among the known ones. */
export function existingGateways(known: readonly CheckedGateway[]): CheckedGateway[] {
  const stateDir = join(homedir(), ".openclaw");
  if (known.some((each) => each.stateDir === stateDir)) return [];
  const found = findExistingGateway({}, [homedir()]);
  // The remains of a former gateway do not count.
  if (!found || isUnknown(found) || !listeners((port) => port === found.port).length) return [];
  const { url, port, command, restart } = found;
  return [defined({ name: stateDir, isOurs: false, url, port, command, stateDir, restart })];
}
