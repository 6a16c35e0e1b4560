import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HOST_KEY, SECRET } from "./values";

const CLAIM_ID = "0123456789abcdef";
const registered: { name: string; inputs: Record<string, unknown> }[] = [];
const indexOf = (name: string): number => registered.findIndex((each) => each.name === name);
const inputsOf = (name: string): Record<string, unknown> => registered[indexOf(name)]!.inputs;
const cache = mkdtempSync(join(tmpdir(), "push-cache-"));

beforeAll(async () => {
  vi.stubEnv("XDG_CACHE_HOME", cache);
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }) => {
        registered.push({ name, inputs: inputs as Record<string, unknown> });
        return { id: name, state: { ...(inputs as object), stdout: CLAIM_ID, output: "kept" } };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    false,
  );
  const { GatewayPair, SshHost } = await import("../../components");
  vi.spyOn(SshHost.prototype, "findObstacles").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => [])),
  );
  await pulumi.runtime.runInPulumiStack(() => {
    const target = new SshHost("box", { host: "203.0.113.7", hostKey: HOST_KEY, password: "canary", push: true });
    new GatewayPair("claw", { target, version: "2026.9.6" });
    return Promise.resolve({});
  });
  for (const gateway of ["claw-main", "claw-rescue"])
    await vi.waitUntil(() => indexOf(`${gateway}-deployment@203.0.113.7`) >= 0, { timeout: 5_000 });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

describe("a host that everything is sent to", () => {
  it("gets each thing before what needs it", () => {
    expect(indexOf("box-push@203.0.113.7")).toBeGreaterThanOrEqual(0);
    expect(indexOf("box-push@203.0.113.7")).toBeLessThan(indexOf("box-program@203.0.113.7"));
    for (const gateway of ["claw-main", "claw-rescue"]) {
      expect(indexOf(`${gateway}-slot@203.0.113.7`)).toBeLessThan(indexOf(`${gateway}-push@203.0.113.7`));
      expect(indexOf(`${gateway}-push@203.0.113.7`)).toBeLessThan(indexOf(`${gateway}-deployment@203.0.113.7`));
    }
  });

  it("is told of in texts that are the same on every machine, with its login in a secret", () => {
    for (const [name, words] of [
      ["box-push@203.0.113.7", "send tools"],
      ["claw-rescue-push@203.0.113.7", "send release rescue 2026.9.6"],
    ] as const) {
      const { create, stdin, triggers } = inputsOf(name);
      expect(create).toMatch(new RegExp(`/deployer-2\\.cjs" ${words}( [\\d.]+)*$`));
      expect(create).not.toContain(cache);
      expect(stdin).toHaveProperty([SECRET]);
      expect(JSON.stringify({ create, triggers })).not.toContain("canary");
    }
    const tools = inputsOf("box-push@203.0.113.7").stdin as { value: string };
    expect(JSON.parse(tools.value)).toMatchObject({ because: " 'kept'" }); // sent again where the host has lost them
    const { value } = inputsOf("claw-main-push@203.0.113.7").stdin as { value: string };
    expect(JSON.parse(value)).toMatchObject({ release: { gateway: "main" }, because: CLAIM_ID });
    expect(existsSync(join(cache, "pulumi-openclaw/deployer-2.cjs"))).toBe(true);
  });
});
