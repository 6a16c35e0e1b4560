/** IP addresses, and networks of them. Pure. */
import { BlockList, isIP } from "node:net";
import type { Conflict } from "./conflict";

export const EVERY_ADDRESS = "0.0.0.0";

const listOf = (...networks: (readonly [string, number])[]): BlockList => {
  const list = new BlockList();
  for (const [address, bits] of networks) list.addSubnet(address, bits, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
};

const LOOPBACK = listOf(["127.0.0.0", 8], ["::1", 128]);
/** Source: RFC 1918, 6598 (also Tailscale's), 3927. */
const PRIVATE = listOf(
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
);

const isIn = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
export const isLoopback = (address: string): boolean => isIn(LOOPBACK, address);
export const isPrivate = (address: string): boolean => isIn(PRIVATE, address);

/** Whether `text`, an address or a network, is or contains an address. */
function includes(text: string, address: string): boolean {
  const [first = "", bits] = text.split("/");
  return isIn(listOf([first, bits === undefined ? (isIP(first) === 6 ? 128 : 32) : Number(bits)]), address);
}

export const includesLoopback = (text: string): boolean =>
  isLoopback(text.split("/")[0]!) || ["127.0.0.1", "::1"].some((address) => includes(text, address));

/** Of a gateway without HTTPS that others reach at this address. */
export const inPlainText = (address: string): Pick<Conflict, "reason" | "advice"> => ({
  reason: `${address} is a public address: the token would cross the internet in plain text`,
  advice: "add tls; or remove lan, and put a proxy in front on the gateway's machine: docs/reach.md",
});

/** Of one that others reach at every address of its machine: these, as far as they are known. */
export function inPlainTextEverywhere(addresses: readonly string[]): Conflict[] {
  const others = addresses.filter((address) => !isLoopback(address));
  const known = others.find((address) => !isPrivate(address));
  if (known === undefined) return [];
  const { reason, advice } = inPlainText(known);
  const safe = others.filter(isPrivate);
  const name = safe.length ? `set lan.address to one that is not public (${safe.join(", ")}); or ` : "";
  return [{ property: "expose.lan", reason, advice: name + advice }];
}
