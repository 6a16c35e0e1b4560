/** A gateway of its own on a host. */
import * as pulumi from "@pulumi/pulumi";
import { Gateway, SshHost } from "pulumi-openclaw";

const { address, hostKey, privateKey, registry, profile, basePort } = process.env as Record<string, string>;
const target = new SshHost("box", {
  host: address!,
  hostKey: hostKey!,
  privateKey: pulumi.secret(privateKey!),
  registry: registry!,
});
new Gateway("ops", { target, version: "2026.9.6", profile: profile!, basePort: Number(basePort) });
