/** A number of gateways on each of some hosts. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Gateway, SshHost } from "pulumi-openclaw";

export interface GatewaysSetup {
  readonly privateKey: string;
  readonly registry: string;
  readonly hosts: readonly { readonly address: string; readonly hostKey: string }[];
  readonly gatewaysOfEach: number;
}

const { privateKey, registry, hosts, gatewaysOfEach } = JSON.parse(
  readFileSync(process.env.SETUP!, "utf8"),
) as GatewaysSetup;
for (const [index, { address, hostKey }] of hosts.entries()) {
  const target = new SshHost(`host${index}`, {
    host: address,
    hostKey,
    privateKey: pulumi.secret(privateKey),
    registry,
  });
  for (let n = 0; n < gatewaysOfEach; n++)
    new Gateway(`gateway${index}-${n}`, { target, version: "2026.9.6", profile: `p${n}`, basePort: 18789 + 111 * n });
}
