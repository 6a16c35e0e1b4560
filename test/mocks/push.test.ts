import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLAIM_ID, MockedProgram } from "./program";
import { HOST_KEY, SECRET } from "./values";

const program = new MockedProgram();
beforeAll(() =>
  program.run(
    ({ GatewayPair, SshHost }) => {
      const target = new SshHost("box", { host: "203.0.113.7", hostKey: HOST_KEY, password: "canary", push: true });
      new GatewayPair("claw", { target, version: "2026.9.6" });
    },
    ["claw-main", "claw-rescue"].map((gateway) => `${gateway}-deployment@203.0.113.7`),
    ({ type }) => (type === "pulumi:index:Stash" ? { output: "kept" } : {}),
  ),
);
afterAll(() => program.end());

describe("a host that everything is sent to", () => {
  it("a host that everything is sent to gets each thing before what needs it", () => {
    expect(program.indexOf("box-push@203.0.113.7")).toBeGreaterThanOrEqual(0);
    expect(program.indexOf("box-push@203.0.113.7")).toBeLessThan(program.indexOf("box-program@203.0.113.7"));
    for (const gateway of ["claw-main", "claw-rescue"]) {
      expect(program.indexOf(`${gateway}-slot@203.0.113.7`)).toBeLessThan(
        program.indexOf(`${gateway}-push@203.0.113.7`),
      );
      expect(program.indexOf(`${gateway}-push@203.0.113.7`)).toBeLessThan(
        program.indexOf(`${gateway}-deployment@203.0.113.7`),
      );
    }
  });

  it("the commands of a push are the same on every machine, with the login in a secret", () => {
    for (const [name, words] of [
      ["box-push@203.0.113.7", "send tools"],
      ["claw-rescue-push@203.0.113.7", "send release rescue 2026.9.6"],
    ] as const) {
      const { create, stdin, triggers } = program.inputsOf(name);
      expect(create).toMatch(new RegExp(`/deployer-3\\.cjs" ${words}( [\\d.]+)*$`));
      expect(create).not.toContain(program.cache);
      expect(stdin).toHaveProperty([SECRET]);
      expect(JSON.stringify({ create, triggers })).not.toContain("canary");
    }
    const tools = program.inputsOf("box-push@203.0.113.7").stdin as { value: string };
    expect(JSON.parse(tools.value)).toMatchObject({ because: " 'kept'" }); // sent again where the host has lost them
    const { value } = program.inputsOf("claw-main-push@203.0.113.7").stdin as { value: string };
    expect(JSON.parse(value)).toMatchObject({ release: { gateway: "main" }, because: CLAIM_ID });
    expect(existsSync(join(program.cache, "pulumi-openclaw/deployer-3.cjs"))).toBe(true);
  });
});
