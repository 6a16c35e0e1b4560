/** A program of somebody who has installed the package. */
import * as pulumi from "@pulumi/pulumi";
import {
  Gateway,
  GatewayPair,
  LocalHost,
  type DockerEngineArgs,
  type GatewayArgs,
  type GatewayPorts,
  type Target,
} from "pulumi-openclaw";

const target: Target = new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" });
const version = "2026.9.6";
const pair = new GatewayPair("claw", {
  target,
  version,
  main: { basePort: 30100, telegram: { botToken: pulumi.secret("4711:main"), allowFrom: ["4242"] } },
  rescue: { basePort: 30211, config: { update: { channel: "stable" } } },
});

const args: GatewayArgs = { target, version, profile: "ops", basePort: 30322, env: { KEY: pulumi.output("value") } };
// @ts-expect-error a misspelt argument
export const misspelt: GatewayArgs = { ...args, basport: 1 };
// @ts-expect-error a value of another type
export const mistyped: GatewayArgs = { ...args, version: 2026 };
// @ts-expect-error a resource that is no target
export const misplaced: GatewayArgs = { ...args, target: pair };

/** The types of containers need no @pulumi/docker, which a program without them does not install. */
export const engine: DockerEngineArgs = { host: pulumi.output("ssh://claw@203.0.113.7"), memory: 4096 };
// @ts-expect-error an image goes by the gateway's version
export const tagged: DockerEngineArgs = { ...engine, tag: "latest" };

export const url: pulumi.Output<string> = pair.main.url;
export const ports: pulumi.Output<GatewayPorts> = new Gateway("ops", args).ports;
