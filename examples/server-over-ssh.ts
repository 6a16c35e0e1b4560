/** A pair on a server over SSH: systemd services; nothing needs to be installed there first. */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, SshHost } from "pulumi-openclaw";

const config = new pulumi.Config();

const server = new SshHost("server", {
  host: "203.0.113.7",
  user: "root",
  privateKey: config.requireSecret("sshKey"),
  // From the server itself: cat /etc/ssh/ssh_host_ed25519_key.pub
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICLBr1WC99imLsekSh+GtwoKjzYj6MBOjFfyGf6phZMQ",
});
const pair = new GatewayPair("claw", { target: server, version: "2026.9.6" });

export const units = [pair.main.serviceName, pair.rescue.serviceName];
export const openWith = pulumi.interpolate`ssh -N -L 18789:127.0.0.1:${pair.main.ports.gateway} root@203.0.113.7`;
