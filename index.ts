/** The ready stack: a main and a rescue gateway, or a rescue alone; all from stack config (Pulumi.yaml, README.md). */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, RescueGateway, type Gateway } from "pulumi-openclaw";
import { readStackConfig } from "#stack-config";

const config = readStackConfig();
const target = config.target();
const { main, rescue } =
  config.mode === "pair"
    ? new GatewayPair("openclaw", { target, ...config.pair })
    : { main: undefined, rescue: new RescueGateway("openclaw-rescue", { target, ...config.rescue }, ofPair()) };

/** What was a pair's rescue gateway goes on alone without a restart. */
function ofPair(): pulumi.ComponentResourceOptions {
  return { aliases: [{ parent: pulumi.createUrn("openclaw", "openclaw:index:GatewayPair") }] };
}

const describe = (name: string, gateway: Gateway) => ({
  name,
  profile: gateway.profile,
  url: gateway.url,
  basePort: gateway.ports.gateway,
  portBlock: gateway.ports.apply(({ gateway: first, cdp: { last } }) => ({ first, last })),
  ports: gateway.ports,
  version: gateway.version,
  wrapper: gateway.wrapper,
  stateDir: gateway.stateDir,
  workspace: gateway.workspace,
  configPath: gateway.configPath,
  serviceName: gateway.serviceName,
  tokenOutput: `${name}Token`,
});

/** The stack's outputs. One that does not apply is left out: Pulumi warns of outputs without a value. */
export = () =>
  main
    ? {
        gateways: [describe("main", main), describe("rescue", rescue)],
        mainToken: main.token,
        rescueToken: rescue.token,
      }
    : rescue.beside.apply((mainGateway) => ({
        gateways: [describe("rescue", rescue)],
        rescueToken: rescue.token,
        // What to type when the main gateway beside the rescue is in trouble.
        ...(mainGateway && { mainGateway }),
      }));
