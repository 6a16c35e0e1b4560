/** The public names of pulumi-openclaw, and nothing else. */
export type {
  BrowserArgs,
  BrowserProfileArgs,
  ExistingMainArgs,
  ExposeArgs,
  GatewayArgs,
  GatewayPairArgs,
  LanArgs,
  MainGatewayArgs,
  MountArgs,
  ProxyArgs,
  RescueGatewayArgs,
  TelegramArgs,
  TlsArgs,
} from "./arguments";
export type { ConfigValue } from "./rules/config/json";
export { Gateway, MainGateway, RescueGateway, type GatewayOutputs } from "./gateway";
export { GatewayPair } from "./gatewayPair";
export type { ExistingMainOutputs } from "../model/outputs";
export type { GatewayPorts, PortRange } from "../model/ports";
export { DockerEngine, type DockerEngineArgs, type RegistryAuthArgs } from "./targets/docker";
export type { HostArgs } from "./targets/hostArguments";
export { LocalHost, type LocalHostArgs } from "./targets/local";
export { SshHost, type SshConnectionArgs, type SshHostArgs } from "./targets/ssh";
export type { Target } from "./targets/target";
