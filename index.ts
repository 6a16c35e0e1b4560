/** The ready stack: a main and a rescue gateway, or a rescue alone; all from stack config (Pulumi.yaml, README.md). */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, RescueGateway, type Gateway } from "pulumi-openclaw";
import { readStackConfig } from "#stack-config";

const config = readStackConfig();
const { main, rescue } =
  config.mode === "pair"
    ? new GatewayPair("openclaw", config.pair())
    : { main: undefined, rescue: new RescueGateway("openclaw-rescue", config.rescue(), ofPair()) };

/** A rescue gateway that was part of a pair carries on alone, without a restart. */
function ofPair(): pulumi.ComponentResourceOptions {
  return { aliases: [{ parent: pulumi.createUrn("openclaw", "openclaw:index:GatewayPair") }] };
}

const describe = (name: "main" | "rescue", gateway: Gateway) => ({
  name,
  profile: gateway.profile,
  url: gateway.url,
  basePort: gateway.ports.gateway,
  portBlock: gateway.portBlock,
  ports: gateway.ports,
  version: gateway.version,
  wrapper: gateway.wrapper,
  stateDir: gateway.stateDir,
  workspace: gateway.workspace,
  configPath: gateway.configPath,
  serviceName: gateway.serviceName,
  ...config.where[name],
  tokenOutput: `${name}Token`,
});

const gateways = pulumi.output([...(main ? [describe("main", main)] : []), describe("rescue", rescue)]);
const rescueToken = rescue.token;
/** The stack's outputs. One that does not apply is left out: Pulumi warns about outputs without a value. */
export = main
  ? { gateways, mainToken: main.token, rescueToken }
  : // What to type when the main gateway beside the rescue is in trouble.
    rescue.existingMain.apply((existingMain) => ({ gateways, rescueToken, ...(existingMain && { existingMain }) }));
