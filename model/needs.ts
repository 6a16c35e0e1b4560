/** What a configuration needs of its host, and only the host knows whether it is there. Pure. */
import { EVERY_ADDRESS, inPlainTextEverywhere } from "./addresses";
import { valueAt } from "./json";
import type { Conflict } from "./conflict";
import type { JsonObject } from "./spec";

interface Need {
  /** Of the gateway. */
  readonly property: string;
  readonly name: string;
}

export interface Needs {
  readonly files: readonly Need[];
  readonly programs: readonly Need[];
  readonly addresses: readonly Need[];
  /** It listens on every address, and without HTTPS. */
  readonly isOpen: boolean;
}

/** Files that the gateway reads itself. */
const FILES = {
  "gateway.tls.certPath": "expose.tls.certFile",
  "gateway.tls.keyPath": "expose.tls.keyFile",
  "channels.telegram.tokenFile": "telegram.tokenFile",
};

export function needsOf(config: JsonObject): Needs {
  const text = (key: string): string | undefined => {
    const value = valueAt(config, key);
    return typeof value === "string" ? value : undefined;
  };
  const isMade = valueAt(config, "gateway.tls.enabled") === true && text("gateway.tls.certPath") === undefined;
  const address = text("gateway.customBindHost");
  return {
    files: Object.entries(FILES).flatMap(([key, property]) => {
      const name = text(key);
      return name === undefined ? [] : [{ property, name }];
    }),
    programs: [
      // OpenClaw makes its own certificate with it. Source: 2026.9.6.
      ...(isMade ? [{ property: "expose.tls", name: "openssl" }] : []),
      ...(text("gateway.tailscale.mode") === "serve" ? [{ property: "expose.tailscale", name: "tailscale" }] : []),
    ],
    isOpen: text("gateway.bind") === "lan" && valueAt(config, "gateway.tls.enabled") !== true,
    addresses: address === undefined ? [] : [{ property: "expose.lan.address", name: address }],
  };
}

/** Names of what may be needed. */
export const PROGRAMS = ["docker", "podman", "openssl", "tailscale"] as const;

/** What a host has. */
export interface HostHas {
  /** Of {@link PROGRAMS}. */
  readonly programs: readonly string[];
  /** Its IPv4 addresses; none: not known. */
  readonly addresses: readonly string[];
  readonly isFile: (path: string) => boolean;
}

export const unmet = (needs: Needs, has: HostHas): Conflict[] => [
  ...needs.files
    .filter(({ name }) => !has.isFile(name))
    .map(({ property, name }) => ({
      property,
      reason: `there is no file ${name} on the host`,
      advice: "put it there, or name the right one",
    })),
  ...needs.programs
    .filter(({ name }) => !has.programs.includes(name))
    .map(({ property, name }) => ({
      property,
      reason: `needs ${name}, which is not installed on the host`,
      advice: name === "openssl" ? "install openssl there, or set certFile and keyFile" : `install ${name} there`,
    })),
  ...needs.addresses
    .filter(({ name }) => has.addresses.length > 0 && name !== EVERY_ADDRESS && !has.addresses.includes(name))
    .map(({ property, name }) => ({
      property,
      reason: `${name} is no address of the host, which has ${has.addresses.join(", ")}`,
      advice: "use one of them, or leave address out for every one",
    })),
  ...(needs.isOpen ? inPlainTextEverywhere(has.addresses) : []),
];
