/** The root stack's outputs: a line for each gateway to read, and everything about them for programs. */
import * as pulumi from "@pulumi/pulumi";
import { formatPorts } from "../model/ports";
import type { Gateway, RescueGateway } from "./gateway";
import type { Where } from "./stackConfig";

type Name = "main" | "rescue";

/** What the stack runs, and where. */
interface Shown {
  readonly main?: Gateway | undefined;
  readonly rescue: RescueGateway;
  readonly where: Readonly<Record<Name, Where>>;
}

/** One that does not apply is left out: Pulumi warns about outputs without a value. */
export function stackOutputs({ main, rescue, where }: Shown): object {
  const ofRescue = { rescue: lineOf(rescue, where.rescue), rescueToken: rescue.token };
  const gateways = (...all: [Name, Gateway][]) =>
    // Not really secret: this keeps sixty lines of ports and paths out of every preview. Other stacks and `make outputs` read it.
    pulumi.secret(all.map(([name, gateway]) => describe(name, gateway, where[name])));
  if (main)
    return {
      main: lineOf(main, where.main),
      ...ofRescue,
      mainToken: main.token,
      gateways: gateways(["main", main], ["rescue", rescue]),
    };
  // What to type when the main gateway beside the rescue is in trouble.
  return rescue.existingMain.apply((existingMain) => ({
    ...ofRescue,
    gateways: gateways(["rescue", rescue]),
    ...(existingMain && { existingMain }),
  }));
}

const lineOf = ({ url, version, portBlock }: Gateway, { host, docker }: Where): pulumi.Output<string> =>
  pulumi.all([url, version, portBlock]).apply(([url, version, portBlock]) => {
    const place = host === undefined ? [] : [`on ${host}`];
    const kind = docker === undefined ? [] : ["in a container"];
    return [url, `OpenClaw ${version}`, formatPorts(portBlock), ...kind, ...place].join(" · ");
  });

/** As `GatewayOutput` of model/outputs.ts has it. */
const describe = (name: Name, gateway: Gateway, where: Where) => ({
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
  recoveryPoints: gateway.recoveryPoints,
  ...where,
  tokenOutput: `${name}Token`,
});
