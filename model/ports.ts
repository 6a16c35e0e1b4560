/**
 * The ports that one OpenClaw Gateway derives from its base port.
 *
 * Source: measured on OpenClaw 2026.9.6 (`resolveBrowserConfig`), which corrects the "Multiple gateways" page:
 * the page asks for 20 ports between two bases; the real range is base … base+110. test/unit/ports.test.ts checks the
 * arithmetic against the installed package.
 */

/** A range of TCP ports, both ends included. */
export interface PortRange {
  /** Lowest port. */
  readonly first: number;
  /** Highest port. */
  readonly last: number;
}

/** Every port that a gateway may listen on, all on loopback. */
export interface GatewayPorts {
  /** HTTP and WebSocket of the gateway, `gateway.port`: the base port itself. */
  readonly gateway: number;
  /** Canvas host: served by the gateway's own HTTP server, so the same port. */
  readonly canvas: number;
  /** Sandbox host of MCP Apps and dashboard widgets: base + 1. */
  readonly sandbox: number;
  /** Browser control service: base + 2. Reserved; OpenClaw listens on it only on request. */
  readonly browserControl: number;
  /** Relays of the Chrome extension: base + 3 … base + 10, the first profile on base + 10. */
  readonly extensionRelay: PortRange;
  /** Chrome DevTools ports of managed browser profiles: base + 11 … base + 110. */
  readonly cdp: PortRange;
}

/** Port of OpenClaw's default profile. Source: measured, OpenClaw 2026.9.6. */
export const DEFAULT_PORT = 18789;
/** Base port of a gateway on the default profile. */
export const MAIN_BASE_PORT = DEFAULT_PORT;
/** Base port of the rescue gateway. */
export const RESCUE_BASE_PORT = 19789;

/** Of a gateway's ports, from its base port. */
export const LAST_OFFSET = 110;
/** How many consecutive ports one gateway owns; two bases on one host must be at least this far apart. */
export const BLOCK_SIZE = LAST_OFFSET + 1;
/** Lowest base port: below it ports are privileged. */
export const MIN_BASE_PORT = 1024;
/** Highest base port: above it OpenClaw silently moves its CDP ports to 18800-18899. */
export const MAX_BASE_PORT = 65535 - LAST_OFFSET;

/** The ports derived from a base port. */
export function derivePorts(basePort: number): GatewayPorts {
  return Object.freeze({
    gateway: basePort,
    canvas: basePort,
    sandbox: basePort + 1,
    browserControl: basePort + 2,
    extensionRelay: Object.freeze({ first: basePort + 3, last: basePort + 10 }),
    cdp: Object.freeze({ first: basePort + 11, last: basePort + LAST_OFFSET }),
  });
}

/** The whole block that a gateway owns: base … base + 110. */
export function portBlock(basePort: number): PortRange {
  return { first: basePort, last: basePort + LAST_OFFSET };
}

export function overlaps(a: PortRange, b: PortRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(range: PortRange, port: number): boolean {
  return range.first <= port && port <= range.last;
}

/** `port 18789`, or `ports 18789-18899`. */
export const formatPorts = (range: PortRange): string =>
  `${range.first === range.last ? "port" : "ports"} ${formatRange(range)}`;

export function formatRange(range: PortRange): string {
  return range.first === range.last ? `${range.first}` : `${range.first}-${range.last}`;
}

/** What a derived port is used for, in words, for messages. */
export function portRole(basePort: number, port: number): string {
  const ports = derivePorts(basePort);
  if (port === ports.gateway) return "gateway";
  if (port === ports.sandbox) return "sandbox";
  if (port === ports.browserControl) return "browser control";
  if (contains(ports.extensionRelay, port)) return "extension relay";
  return "CDP";
}

/**
 * The base port nearest to `wanted` whose ports, up to base + `lastOffset`, overlap none of `taken`; of two equally
 * near ones, the higher. `undefined` if none is left.
 */
export function nearestFreeBase(
  wanted: number,
  taken: readonly PortRange[],
  lastOffset = LAST_OFFSET,
): number | undefined {
  const start = Math.min(Math.max(wanted, MIN_BASE_PORT), MAX_BASE_PORT);
  const isFree = (base: number): boolean =>
    base >= MIN_BASE_PORT &&
    base <= MAX_BASE_PORT &&
    !taken.some((range) => overlaps({ first: base, last: base + lastOffset }, range));
  for (let distance = 0; distance <= MAX_BASE_PORT - MIN_BASE_PORT; distance++) {
    if (isFree(start + distance)) return start + distance;
    if (isFree(start - distance)) return start - distance;
  }
  return undefined;
}
