/** IPv4 addresses. Pure. */
import type { Conflict } from "./conflict";

export const EVERY_ADDRESS = "0.0.0.0";

type Network = readonly [first: string, bits: number];

/** Source: RFC 1918, 6598 (also Tailscale's), 3927. */
const PRIVATE: readonly Network[] = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
];

function isIn([first, bits]: Network, address: string): boolean {
  const [one, other] = [first, address].map((each) => {
    const number = each.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return Math.floor(number / 2 ** (32 - bits));
  });
  return one === other;
}
export const isLoopback = (address: string): boolean => isIn(["127.0.0.0", 8], address);
export const isPrivate = (address: string): boolean => PRIVATE.some((network) => isIn(network, address));

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
