/**
 * A pair on one engine; a gateway that says so is on this machine instead, and an engine that says so is of a machine that
 * the same program makes.
 */
import { local } from "@pulumi/command";
import { DockerEngine, GatewayPair, LocalHost, type DockerEngineArgs, type GatewayArgs } from "pulumi-openclaw";

type Args = Partial<Omit<GatewayArgs, "target">> & { readonly onHost?: string };

const { TEST_ARGS } = process.env;
const { engine, main, rescue, isNew } = JSON.parse(TEST_ARGS!) as {
  engine: DockerEngineArgs;
  main: Args;
  rescue: Args;
  isNew?: true;
};

const host = isNew && new local.Command("machine", { create: `echo ${engine.host as string}` }).stdout;
const target = new DockerEngine("engine", { ...engine, ...(host && { host }) });
function placed({ onHost, ...args }: Args) {
  const account = process.getuid!() === 0 ? { account: "openclaw-test" } : {};
  return onHost === undefined
    ? args
    : { ...args, target: new LocalHost("here", { root: onHost, supervisor: "process", ...account }) };
}
const pair = new GatewayPair("claw", { target, version: "2026.9.6", main: placed(main), rescue: placed(rescue) });

export const { url: mainUrl, token: mainToken, wrapper: mainCommand } = pair.main;
export const { url: rescueUrl, token: rescueToken } = pair.rescue;
