/** The ready stack: a main and a rescue gateway, or a rescue alone; all from stack config (Pulumi.yaml, README.md). */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, RescueGateway } from "pulumi-openclaw";
import { readStackConfig, stackOutputs } from "#stack-config";

const config = readStackConfig();
const { main, rescue } =
  config.mode === "pair"
    ? new GatewayPair("openclaw", config.pair())
    : { main: undefined, rescue: new RescueGateway("openclaw-rescue", config.rescue(), ofPair()) };

/** A rescue gateway that was part of a pair carries on alone, without a restart. */
function ofPair(): pulumi.ComponentResourceOptions {
  return { aliases: [{ parent: pulumi.createUrn("openclaw", "openclaw:index:GatewayPair") }] };
}

export = stackOutputs({ main, rescue, where: config.where });
