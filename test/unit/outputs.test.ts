import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, vi } from "vitest";
import type { Gateway, RescueGateway } from "../../components";
import { knownSoon } from "../../components/outputs";
import { stackOutputs } from "../../components/stackOutputs";
import { inShort, type DeclaredGateway } from "../../components/preflight";
import { portBlock } from "../../model/ports";
import { gatewaysOf } from "../../cli/summary";

it("a known value is found, also a secret one and one that resolves soon", async () => {
  expect(await knownSoon(pulumi.output("here"))).toBe("here");
  expect(await knownSoon(pulumi.secret({ key: pulumi.output("here") }))).toEqual({ key: "here" });
  expect(await knownSoon(pulumi.output(new Promise((resolve) => setTimeout(resolve, 10, "here"))))).toBe("here");
});

it("an unknown or failing value is not found", async () => {
  const outputOf = (isKnown: boolean, promise: () => Promise<string>) =>
    ({ isKnown: Promise.resolve(isKnown), promise }) as unknown as pulumi.Output<string>;
  expect(await knownSoon(outputOf(false, () => Promise.resolve("?")))).toBeUndefined();
  expect(await knownSoon(outputOf(true, () => Promise.reject(new Error("no"))))).toBeUndefined();
});

it("a slow value is not waited for: its resource may wait for the inspection", async () => {
  vi.useFakeTimers();
  const value = knownSoon(pulumi.output(new Promise(() => undefined)));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await value).toBeUndefined();
  vi.useRealTimers();
});

describe("what the ready stack gives out", () => {
  const gateway = (port: number, last?: number): Gateway & RescueGateway =>
    ({
      url: pulumi.output(`http://127.0.0.1:${port}`),
      version: pulumi.output("2026.9.6"),
      portBlock: pulumi.output({ ...portBlock(port), ...(last && { last }) }),
      ports: pulumi.output({ gateway: port, sandbox: port + 1 }),
      token: pulumi.secret("canary"),
      existingMain: pulumi.output(undefined),
    }) as unknown as Gateway & RescueGateway;

  it("the ready stack outputs a line for each gateway; the rest does not show", async () => {
    const outputs = pulumi.output(
      stackOutputs({ main: gateway(18789), rescue: gateway(19789), where: { main: {}, rescue: {} } }),
    ) as pulumi.Output<Record<string, unknown>>;
    const { gateways: _, ...shown } = (await knownSoon(outputs))!;
    expect(shown).toEqual({
      main: "http://127.0.0.1:18789 · OpenClaw 2026.9.6 · ports 18789-18899",
      rescue: "http://127.0.0.1:19789 · OpenClaw 2026.9.6 · ports 19789-19899",
      mainToken: "canary",
      rescueToken: "canary",
    });
  });

  it("the ready stack outputs the details as one secret, which `make outputs` reads", async () => {
    const where = { main: {}, rescue: { host: "root@203.0.113.7" } };
    const { gateways } = stackOutputs({ main: gateway(18789), rescue: gateway(19789), where }) as {
      gateways: pulumi.Output<object>;
    };
    expect(await pulumi.isSecret(gateways)).toBe(true);
    const read = gatewaysOf(JSON.stringify({ gateways: await knownSoon(gateways) })).gateways;
    expect(read).toMatchObject([
      { name: "main", basePort: 18789, tokenOutput: "mainToken" },
      { name: "rescue", basePort: 19789, host: "root@203.0.113.7" },
    ]);
    expect(JSON.stringify(read)).not.toContain("canary");
  });

  it("the ready stack outputs where a gateway is, if not here", async () => {
    const there = { host: "claw@203.0.113.7", docker: "docker -H ssh://claw@203.0.113.7" };
    const rescue = gateway(19789, 19789);
    const outputs = stackOutputs({ rescue, where: { main: there, rescue: there } }) as pulumi.Output<object>;
    expect(await knownSoon(pulumi.output(outputs.apply((all) => pulumi.output(all))))).toMatchObject({
      rescue: "http://127.0.0.1:19789 · OpenClaw 2026.9.6 · port 19789 · in a container · on claw@203.0.113.7",
    });
  });
});

it("a program's gateways are listed in a line for each machine", () => {
  const declared = (name: string, port: number, machine: string, last = port + 110): DeclaredGateway =>
    ({ name, target: { machine }, gateway: { portRange: { first: port, last } } }) as unknown as DeclaredGateway;
  const main = declared("claw-main", 18789, "this machine");
  expect(inShort([main, declared("claw-rescue", 19789, "this machine")])).toEqual([
    "2 gateways on this machine: claw-main, ports 18789-18899; claw-rescue, ports 19789-19899",
  ]);
  expect(inShort([main, declared("ops", 20789, "203.0.113.7:2222", 20789)])).toEqual([
    "1 gateway on this machine: claw-main, ports 18789-18899",
    "1 gateway on 203.0.113.7:2222: ops, port 20789",
  ]);
});
