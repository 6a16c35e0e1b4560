/** What a configuration needs of its host: what is not there is said before anything is stopped. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { which } from "../inspect/which";
import { Failure } from "../model/failure";
import { valueAt } from "../model/json";
import type { JsonObject } from "../model/spec";
import { asAccount } from "./account";
import type { Generation } from "./generation";
import type { HostGateway } from "./host";

/** Files that the gateway reads itself, each by the key that names it. */
const FILES = ["gateway.tls.certPath", "gateway.tls.keyPath", "channels.telegram.tokenFile"];

/** Where OpenClaw puts a certificate of its own. Source: 2026.9.6. */
const OWN_CERTIFICATE = "gateway/tls/gateway-cert.pem";

export function requireNeeds({ host: { identity }, claim }: HostGateway, { spec, service }: Generation): void {
  const { config } = spec;
  for (const key of FILES) {
    const file = valueAt(config, key);
    if (typeof file !== "string") continue;
    try {
      asAccount(identity, 'test -f "$1" && test -r "$1"', file);
    } catch {
      throw new Failure(
        `${file}, which ${key} names, is no file that the account ${identity.name} can read; nothing was changed`,
        `create it, or let the account read it (chgrp ${identity.name} FILE && chmod g+r FILE, and x for its directories)`,
      );
    }
  }
  for (const [program, purpose] of programsFor(config, claim.stateDir))
    if (which(program, service.env.PATH ?? "") === undefined)
      throw new Failure(
        `${program} is not installed on this host, and OpenClaw needs it ${purpose}; nothing was changed`,
        `install it (looked for in ${service.env.PATH})`,
      );
}

function programsFor(config: JsonObject, stateDir: string): [program: string, purpose: string][] {
  const isMade =
    valueAt(config, "gateway.tls.enabled") === true && valueAt(config, "gateway.tls.certPath") === undefined;
  return [
    ...(isMade && !existsSync(join(stateDir, OWN_CERTIFICATE))
      ? [["openssl", "to make a certificate (expose.tls without certFile)"] as [string, string]]
      : []),
    ...(valueAt(config, "gateway.tailscale.mode") === "serve"
      ? [["tailscale", "to serve the gateway on the tailnet (expose.tailscale)"] as [string, string]]
      : []),
  ];
}
