/** One pair on two machines: main on a server over SSH, rescue on the machine that deploys. */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost, SshHost } from "pulumi-openclaw";

const config = new pulumi.Config();

const server = new SshHost("server", {
  host: "203.0.113.7",
  privateKey: config.requireSecret("sshKey"),
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICLBr1WC99imLsekSh+GtwoKjzYj6MBOjFfyGf6phZMQ",
});
// Before either of them is changed, the deployer asks the other machine whether its gateway is healthy.
const pair = new GatewayPair("claw", {
  target: server,
  version: "2026.9.6",
  rescue: { target: new LocalHost("here"), basePort: 19789 },
});

export const urls = [pair.main.url, pair.rescue.url];
