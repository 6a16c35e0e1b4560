/** The ready stack: a main and a rescue gateway, everything from stack config (Pulumi.yaml, README.md). */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost, type Gateway } from "pulumi-openclaw";
import { readStackConfig } from "#stack-config";

const config = readStackConfig();
const host = new LocalHost("local", config.host);
const { main, rescue } = new GatewayPair("openclaw", { target: host, ...config.pair });

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

export const gateways = pulumi.output([describe("main", main), describe("rescue", rescue)]);
export const mainToken = main.token;
export const rescueToken = rescue.token;
