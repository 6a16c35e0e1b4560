/** Rules between the gateways of one host: nothing may be shared. Pure. */
import { posix } from "node:path";
import { isObject, objectAt, valueAt, walk } from "../../model/json";
import { defined } from "../../model/defined";
import { isWithin } from "../../model/hostLayout";
import {
  BLOCK_SIZE,
  contains,
  derivePorts,
  formatRange,
  LAST_OFFSET,
  nearestFreeBase,
  overlaps,
  portRole,
  type PortRange,
} from "../../model/ports";
import { defaultAgents } from "./config/owned";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";
import type { JsonObject } from "../../model/spec";

/** Port of Telegram's webhook listener if none is set: the same for every gateway. Source: measured. */
const WEBHOOK_PORT = 8787;

/**
 * What is wrong between gateways that share a host. The later gateway is the one to change; `foreign` ones cannot be
 * changed at all.
 */
export function checkIsolation(
  gateways: readonly ResolvedGateway[],
  foreign: readonly ResolvedGateway[] = [],
): Problem[] {
  const all = [...foreign, ...gateways];
  return gateways.flatMap((gateway, index) => {
    const earlier = all.slice(0, foreign.length + index);
    return [
      ...checkWithin(gateway),
      ...checkOwnMounts(gateway),
      ...earlier.flatMap((other) => [
        ...checkBlocks(gateway, other, all),
        ...(gateway.isContainer || other.isContainer
          ? []
          : [...checkNames(gateway, other), ...checkPaths(gateway, other)]),
        ...checkCdpUrls(gateway, other),
        ...checkTailnet(gateway, other),
        ...checkMounts(gateway, other),
      ]),
      ...checkExplicitPorts(gateway, all),
      ...foreign.flatMap((other) => checkForeignPorts(gateway, other)),
    ];
  });
}

function checkNames(gateway: ResolvedGateway, other: ResolvedGateway): Problem[] {
  if (gateway.wrapper !== other.wrapper) return [];
  const both =
    gateway.profile === other.profile
      ? `profile "${gateway.profile}" is also the profile of ${other.label}`
      : `profiles "${gateway.profile}" and "${other.profile}" (${other.label}) would share the command ${gateway.wrapper}`;
  return [
    {
      path: `${gateway.label}.profile`,
      reason: both,
      advice: 'give each gateway on a host its own profile, e.g. "ops"',
    },
  ];
}

function checkBlocks(gateway: ResolvedGateway, other: ResolvedGateway, all: readonly ResolvedGateway[]): Problem[] {
  if (!overlaps(gateway.portRange, other.portRange)) return [];
  const taken = all.filter((each) => each !== gateway).map((each) => each.portRange);
  const free = nearestFreeBase(gateway.basePort, taken, gateway.portRange.last - gateway.basePort);
  const isWide = [gateway, other].some(({ isContainer }) => !isContainer);
  return [
    {
      path: `${gateway.label}.basePort`,
      reason:
        `its ports ${formatRange(gateway.portRange)} overlap those of ${other.label} (${formatRange(other.portRange)})` +
        (isWide ? `: a gateway owns base … base+${LAST_OFFSET}` : ""),
      advice:
        free === undefined
          ? `free a block of ${BLOCK_SIZE} consecutive ports: none is left on this host`
          : `use ${free}, the nearest free base port`,
    },
  ];
}

/** A gateway's property, as messages name it. A gateway that no program declares has no argument path. */
const propertyOf = ({ label, isExisting: isForeign }: ResolvedGateway, property: string): string =>
  isForeign ? `${property} of ${label}` : `${label}.${property}`;

interface Place {
  readonly property: string;
  readonly path: string;
}

/** Every directory and file that is a gateway's alone, those of its agents included. */
const placesOf = (gateway: ResolvedGateway): Place[] => [
  { property: "configPath", path: gateway.configPath },
  { property: "stateDir", path: gateway.stateDir },
  { property: "workspace", path: gateway.workspace },
  ...agentPlaces(gateway),
];

/**
 * Any other is inside the state directory, or in the home of an account that is not known here. A default agent's workspace
 * is the gateway's, or refused.
 */
const agentPlaces = ({ config }: ResolvedGateway): Place[] =>
  Object.entries(objectAt(config, "agents.entries")).flatMap(([id, agent]) =>
    (defaultAgents(config).includes(id) ? ["agentDir"] : ["workspace", "agentDir"]).flatMap((key) => {
      const path = isObject(agent) ? agent[key] : undefined;
      const property = `config.agents.entries.${id}.${key}`;
      return typeof path === "string" && path.startsWith("/")
        ? [{ property, path: posix.normalize(path).replace(/\/$/, "") }]
        : [];
    }),
  );

/** Without what is inside the state directory: that conflicts because of the directory, which is reported already. */
const comparedPlaces = (gateway: ResolvedGateway): Place[] =>
  placesOf(gateway).filter(({ property, path }) => property === "stateDir" || !isWithin(path, gateway.stateDir));

function checkPaths(gateway: ResolvedGateway, other: ResolvedGateway): Problem[] {
  return comparedPlaces(gateway).flatMap(({ property, path }) =>
    comparedPlaces(other).flatMap(({ property: theirs, path: otherPath }): Problem[] => {
      if (!isWithin(path, otherPath) && !isWithin(otherPath, path)) return [];
      const relation = path === otherPath ? "is also" : isWithin(path, otherPath) ? "is inside" : "contains";
      const place = propertyOf(other, theirs);
      const isNamed = path === otherPath || place.includes(otherPath);
      return [
        {
          path: `${gateway.label}.${property}`,
          reason: `${path} ${relation} ${place}${isNamed ? "" : ` (${otherPath})`}`,
          advice: "give each gateway its own directories, none inside another's",
        },
      ];
    }),
  );
}

function checkWithin(gateway: ResolvedGateway): Problem[] {
  const { label, stateDir, workspace, configPath } = gateway;
  const problems: Problem[] = [];
  if (isWithin(stateDir, workspace))
    problems.push({
      path: `${label}.workspace`,
      reason: `${workspace} ${workspace === stateDir ? "is" : "contains"} the state directory: the agent could edit its own state`,
      advice: "use a separate directory, e.g. <stateDir>/workspace",
    });
  for (const { property, path } of agentPlaces(gateway))
    if (isWithin(stateDir, path))
      problems.push({
        path: `${label}.${property}`,
        reason: `${path} ${path === stateDir ? "is" : "contains"} the state directory: the agent could edit its own state`,
        advice: "use a separate directory",
      });
  if (isWithin(configPath, workspace))
    problems.push({
      path: `${label}.configPath`,
      reason: `${configPath} is inside the workspace: the agent could edit its own configuration`,
      advice: "remove configPath, or set it to a path outside the workspace",
    });
  if (isWithin(stateDir, configPath))
    problems.push({
      path: `${label}.configPath`,
      reason: `${configPath} is a file, so ${stateDir} cannot be inside it`,
      advice: "remove configPath, or set it to a file, e.g. <stateDir>/openclaw.json",
    });
  return problems;
}

interface Files extends Place {
  readonly readOnly?: boolean;
}

/**
 * Whether a bot that has `outer` could put a link in the place of `inner`: Docker follows it whenever a container starts,
 * wherever on the machine it leads.
 */
const isInReachOf = (inner: Files, outer: Files): boolean =>
  inner.path !== outer.path && isWithin(inner.path, outer.path) && !outer.readOnly;

/** What of the machine's files a gateway has: a container what is mounted, a gateway on a host its own places. */
const filesOf = (gateway: ResolvedGateway): Files[] =>
  gateway.isContainer
    ? (gateway.surroundings?.mounts ?? []).map(({ source, readOnly }) =>
        defined({ property: "mounts", path: source, readOnly }),
      )
    : placesOf(gateway);

/** Nothing that one can change is the other's; what a gateway on a host has is in no container, not to be read either. */
function checkMounts(gateway: ResolvedGateway, other: ResolvedGateway): Problem[] {
  if (!gateway.isContainer && !other.isContainer) return [];
  const isShared = gateway.isContainer && other.isContainer;
  return filesOf(gateway).flatMap((mine) =>
    filesOf(other)
      .filter(({ path }) => isWithin(path, mine.path) || isWithin(mine.path, path))
      .filter(
        (theirs) =>
          !isShared || (!mine.readOnly && !theirs.readOnly) || isInReachOf(mine, theirs) || isInReachOf(theirs, mine),
      )
      .map((theirs) => ({
        path: `${gateway.label}.${mine.property}`,
        reason: `${mine.path} and ${propertyOf(other, theirs.property)} (${theirs.path}) are or contain each other`,
        advice: isShared
          ? `give each gateway its own directory, or set readOnly for ${mine.path === theirs.path ? "one of them" : "the outer one"}`
          : "give each gateway its own directory",
      })),
  );
}

/** Of a gateway alone: the same. */
const checkOwnMounts = (gateway: ResolvedGateway): Problem[] => {
  const mounts = gateway.isContainer ? filesOf(gateway) : [];
  return mounts.flatMap((inner) =>
    mounts
      .filter((outer) => isInReachOf(inner, outer))
      .map((outer) => ({
        path: `${gateway.label}.mounts`,
        reason: `${inner.path} is inside ${outer.path}, where the bot could put a link in its place`,
        advice: "mount the outer one alone, or set readOnly for it",
      })),
  );
};

interface ExplicitPort {
  readonly path: string;
  readonly port: number;
}

/** Ports that the arguments set explicitly, each with the property that sets it. */
export function explicitPorts(gateway: ResolvedGateway): ExplicitPort[] {
  const { browser, config, isContainer, surroundings } = gateway;
  if (isContainer)
    // All others are private to the container.
    return (surroundings?.publish ?? []).map((port) => ({ path: propertyOf(gateway, "publish"), port }));
  const ports: ExplicitPort[] = Object.entries(browser?.profiles ?? {}).flatMap(([name, { cdpPort }]) =>
    cdpPort === undefined ? [] : [{ path: propertyOf(gateway, `browser.profiles.${name}.cdpPort`), port: cdpPort }],
  );
  return [
    ...ports,
    ...configuredPorts(config).map(({ at, port }) => ({ path: propertyOf(gateway, `config.${at}`), port })),
  ];
}

/** Names of ports that a gateway opens; any other may be another machine's. Source: the schema of OpenClaw 2026.9.6. */
const OPENED =
  /(^|\.)(webhook|serve|listen|listener|callback|ingress)\.port$|(webhook|listen|serve|callback|sandbox|http)Port$/;

/** Every port that a configuration has the gateway listen on, wherever it names one. */
export function configuredPorts(config: JsonObject): { readonly at: string; readonly port: number }[] {
  return walk(config).flatMap(({ path, value, parent }) => {
    const at = path.join(".");
    if (path[0] === "channels" && valueAt(config, `channels.${path[1]}.enabled`) === false) return [];
    // Telegram's listener is opened for a webhook only, on a port that needs no naming.
    const isWebhook = isObject(parent) && parent.webhookUrl !== undefined;
    if (
      path.at(-1) === "webhookUrl" &&
      /^channels\.telegram\./.test(at) &&
      isObject(parent) &&
      !("webhookPort" in parent)
    )
      return [{ at: at.replace(/webhookUrl$/, "webhookPort"), port: WEBHOOK_PORT }];
    if (typeof value !== "number" || !OPENED.test(at)) return [];
    return /^channels\.telegram\./.test(at) && !isWebhook ? [] : [{ at, port: value }];
  });
}

function checkExplicitPorts(gateway: ResolvedGateway, all: readonly ResolvedGateway[]): Problem[] {
  const everyPort = all.flatMap(explicitPorts);
  return explicitPorts(gateway).flatMap(({ path, port }) => {
    const problem = (reason: string): Problem => ({ path, reason, advice: freePortAdvice(gateway, all) });
    const blocked = all
      .filter((other) => other !== gateway && contains(other.portRange, port))
      .map((other) => problem(`${port} is one of the ports of ${other.label} (${formatRange(other.portRange)})`));
    const { cdp } = derivePorts(gateway.basePort);
    if (contains(gateway.portRange, port) && !contains(cdp, port))
      blocked.push(problem(`${port} is already the ${portRole(gateway.basePort, port)} port of this gateway`));
    const first = everyPort.find((other) => other.port === port);
    if (first !== undefined && first.path !== path) blocked.push(problem(`${port} is already used by ${first.path}`));
    return blocked;
  });
}

/** Explicit ports of a gateway that cannot be changed, where they fall inside this one's block. */
function checkForeignPorts(gateway: ResolvedGateway, foreign: ResolvedGateway): Problem[] {
  return explicitPorts(foreign)
    .filter(({ port }) => contains(gateway.portRange, port))
    .map(({ path, port }) => ({
      path: `${gateway.label}.basePort`,
      reason: `its ports ${formatRange(gateway.portRange)} contain ${port}, which is ${path}`,
      advice: "use another base port",
    }));
}

function freePortAdvice(gateway: ResolvedGateway, all: readonly ResolvedGateway[]): string {
  if (gateway.isContainer) return "use another port, in `config` too";
  const used = new Set(all.flatMap(explicitPorts).map(({ port }) => port));
  const { cdp } = derivePorts(gateway.basePort);
  const free = portsOf(cdp).find((port) => !used.has(port));
  return free === undefined
    ? "use a port outside every gateway's block"
    : `use a port in its own CDP range, e.g. ${free}`;
}

const portsOf = ({ first, last }: PortRange): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

const isServed = ({ config }: ResolvedGateway): boolean => valueAt(config, "gateway.tailscale.mode") === "serve";

/** OpenClaw serves on port 443 only. Source: 2026.9.6. */
const checkTailnet = (gateway: ResolvedGateway, other: ResolvedGateway): Problem[] =>
  isServed(gateway) && isServed(other)
    ? [
        {
          path: `${gateway.label}.expose.tailscale`,
          reason: `port 443 of this machine's tailnet name already leads to ${other.label}`,
          advice: "keep it for one of them; reach the other with ssh -L, or as docs/reach.md says",
        },
      ]
    : [];

interface CdpUrl {
  readonly path: string;
  readonly url: URL;
}

function cdpUrls(gateway: ResolvedGateway): CdpUrl[] {
  const { browser } = gateway;
  const urls = Object.entries(browser?.profiles ?? {}).flatMap(([name, { cdpUrl }]) =>
    cdpUrl === undefined
      ? []
      : [{ path: propertyOf(gateway, `browser.profiles.${name}.cdpUrl`), url: new URL(cdpUrl) }],
  );
  if (browser?.cdpUrl !== undefined)
    urls.push({ path: propertyOf(gateway, "browser.cdpUrl"), url: new URL(browser.cdpUrl) });
  return urls;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The same browser for two gateways, or a browser that belongs to the other one. */
function checkCdpUrls(gateway: ResolvedGateway, other: ResolvedGateway): Problem[] {
  const advice = "give each gateway its own browser";
  const pinned = (mine: ResolvedGateway, theirs: ResolvedGateway): Problem[] =>
    (mine.isContainer ? [] : cdpUrls(mine)) // a container has its own loopback
      .filter(({ url }) => LOOPBACK.test(url.hostname) && contains(theirs.portRange, Number(url.port)))
      .map(({ path, url }) => ({
        path,
        reason: `port ${url.port} on this host belongs to ${theirs.label} (${formatRange(theirs.portRange)})`,
        advice,
      }));
  const shared = cdpUrls(gateway).flatMap(({ path, url }) =>
    cdpUrls(other)
      .filter((theirs) => theirs.url.href === url.href)
      .filter(() => !LOOPBACK.test(url.hostname) || (!gateway.isContainer && !other.isContainer))
      .map((theirs) => ({ path, reason: `is the same browser as ${theirs.path}`, advice })),
  );
  return [...shared, ...pinned(gateway, other), ...pinned(other, gateway)];
}
