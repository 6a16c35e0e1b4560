/** A gateway on a host whose address another resource of the program makes. */
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { MainGateway, SshHost } from "pulumi-openclaw";

const { address, hostKey, user } = process.env as Record<string, string>;
const machine = new local.Command("machine", { create: `echo ${address}`, addPreviousOutputInEnv: false });
const target = new SshHost("box", {
  host: machine.stdout,
  hostKey: pulumi.secret(hostKey!),
  user: user!,
  password: pulumi.secret("canary-password"),
  registry: "http://10.240.0.1:1",
});
new MainGateway("main", { target, version: "2026.9.6" });
