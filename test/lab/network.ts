/** The lab's network: one bridge, a network namespace for each host, and no way out. */
import { readdirSync, writeFileSync } from "node:fs";
import { command } from "./commands";
import { FIRST_RULE, isHostName, LAB, SUBNET } from "./names";

export const BRIDGE_ADDRESS = `${SUBNET}.1`;
const PREFIX_LENGTH = 24;
const ALL_TEST_NETWORKS = "10.240.0.0/13";

/**
 * Without the first two, packets for a host whose link is down or that is gone would take the default route and leave
 * this machine. The third keeps hosts in, also on a machine that forwards.
 */
const GUARD = [
  [`${FIRST_RULE}`, "to", ALL_TEST_NETWORKS, "lookup", "main", "suppress_prefixlength", "0"],
  [`${FIRST_RULE + 1}`, "to", ALL_TEST_NETWORKS, "unreachable"],
  [`${FIRST_RULE + 2}`, "iif", LAB, "unreachable"],
] as const;

/** The guard first, then the bridge. */
export function makeNetwork(): void {
  for (const rule of GUARD) command("ip", "rule", "add", "pref", ...rule);
  command("ip", "link", "add", LAB, "address", "02:00:0a:f0:00:01", "type", "bridge");
  command("ip", "address", "add", `${BRIDGE_ADDRESS}/${PREFIX_LENGTH}`, "dev", LAB);
  command("ip", "link", "set", LAB, "up");
}

/** Removes links, bridge and guard, in this order. Hosts' namespaces go with the last that holds them. */
export function removeNetwork(): void {
  const links = readdirSync("/sys/class/net");
  for (const name of links.filter(isHostName)) removeLink(name);
  if (links.includes(LAB)) command("ip", "link", "delete", LAB);
  const rules = command("ip", "rule", "show");
  for (const rule of GUARD.toReversed())
    if (rules.includes(`${rule[0]}:\t`)) command("ip", "rule", "delete", "pref", ...rule);
}

/** The kernel removes the link too, in its own time, once the namespace of its other end is gone: it may be first. */
export function removeLink(name: string): void {
  try {
    command("ip", "link", "delete", name);
  } catch (error) {
    if (!/Cannot find device|No such device/.test(String(error))) throw error;
  }
}

/** The plug of one host: its end of the cable is `host0` in a namespace of its own, the other is in the bridge. */
export class Plug {
  readonly address: string;

  /** `namespace`: the file that holds the namespace. */
  constructor(
    private readonly name: string,
    index: number,
    readonly namespace: string,
  ) {
    this.address = `${SUBNET}.${100 + index}`;
    // Fixed, or a host that is made again would not be found for as long as others remember its predecessor.
    const mac = `02:00:0a:f0:01:${index.toString(16).padStart(2, "0")}`;
    writeFileSync(namespace, "");
    command("unshare", `--net=${namespace}`, "true");
    command("ip", "link", "add", name, "type", "veth", "peer", "name", "host0", "address", mac, "netns", namespace);
    command("ip", "link", "set", name, "master", LAB, "up");
    this.inside("ip", "link", "set", "lo", "up");
    this.inside("ip", "address", "add", `${this.address}/${PREFIX_LENGTH}`, "dev", "host0");
    this.inside("ip", "link", "set", "host0", "up");
  }

  /** Pulls the cable, or puts it back. */
  connect(connected: boolean): void {
    command("ip", "link", "set", this.name, connected ? "up" : "down");
  }

  /** Answers connections with a reset, as if nothing listened. */
  refuse(port: number, refused: boolean): void {
    const rule = ["INPUT", "--protocol", "tcp", "--dport", `${port}`, "--jump", "REJECT", "--reject-with", "tcp-reset"];
    this.inside("iptables", refused ? "--insert" : "--delete", ...rule);
  }

  /** Drops this share of the packets in each direction; 0 for none. */
  lose(share: number): void {
    for (const chain of ["INPUT", "OUTPUT"]) {
      this.inside("iptables", "--table", "mangle", "--flush", chain);
      const loss = ["statistic", "--mode", "random", "--probability", `${share}`];
      if (share) this.inside("iptables", "--table", "mangle", "--append", chain, "--match", ...loss, "--jump", "DROP");
    }
  }

  private inside(...line: string[]): void {
    command("nsenter", `--net=${this.namespace}`, ...line);
  }
}
