/** Gateways on several hosts, as the test has written it down: a pair on each, or one pair over two. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, SshHost } from "pulumi-openclaw";

export interface HostsSetup {
  readonly privateKey: string;
  readonly registry: string;
  readonly hosts: readonly { readonly name: string; readonly address: string; readonly hostKey: string }[];
  /** Pairs by name: each on the host of that name, or with rescue on another one. */
  readonly pairs: Readonly<Record<string, { readonly main: Side; readonly rescue: Side }>>;
}
export interface Side {
  readonly on: string;
  readonly args?: object;
}

const { privateKey, registry, hosts, pairs } = JSON.parse(readFileSync(process.env.SETUP!, "utf8")) as HostsSetup;
const targets = Object.fromEntries(
  hosts.map(({ name, address, hostKey }) => [
    name,
    new SshHost(name, { host: address, hostKey, privateKey: pulumi.secret(privateKey), registry }),
  ]),
);
for (const [name, { main, rescue }] of Object.entries(pairs))
  new GatewayPair(name, {
    target: targets[main.on]!,
    version: "2026.9.6",
    main: { ...main.args },
    rescue: { ...(rescue.on !== main.on && { target: targets[rescue.on]! }), ...rescue.args },
  });
