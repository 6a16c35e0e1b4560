/** The public names of pulumi-openclaw, and nothing else. */
export {
  Gateway,
  MainGateway,
  RescueGateway,
  type GatewayArgs,
  type MainGatewayArgs,
  type RescueGatewayArgs,
} from "./gateway";
export { GatewayPair, type GatewayPairArgs } from "./gatewayPair";
export type { ExistingMainOutputs } from "../model/outputs";
export type { GatewayPorts, PortRange } from "../model/ports";
export { DockerEngine, type DockerEngineArgs } from "./targets/docker";
export { LocalHost, type LocalHostArgs } from "./targets/local";
export { SshHost, type SshHostArgs } from "./targets/ssh";
export type { Target } from "./targets/target";
