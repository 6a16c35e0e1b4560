import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PartnerRequest } from "../../model/requests";
import { MockedProgram } from "./program";
import { HOST_KEY, SECRET } from "./values";

const program = new MockedProgram();
beforeAll(() =>
  program.run(
    ({ GatewayPair, LocalHost, SshHost }) => {
      const here = new LocalHost("here", { root: "/tmp/no-such-root", account: "openclaw-test" });
      const box = new SshHost("box", {
        host: "203.0.113.7",
        hostKey: HOST_KEY,
        password: "canary",
        user: "ann",
        sudo: true,
      });
      const version = "2026.9.6";
      new GatewayPair("claw", { target: here, version, main: { basePort: 21300 }, rescue: { target: box } });
      new GatewayPair("forced", {
        target: here,
        version,
        main: { basePort: 21500, profile: "a", force: true },
        rescue: { basePort: 21700, profile: "b", target: box },
      });
    },
    ["claw-main-deployment", "forced-main-deployment@/a"],
  ),
);
afterAll(() => program.end());

describe("a pair on two targets", () => {
  const order = (...wanted: string[]): void => {
    const found = wanted.map((name) => program.names().indexOf(name));
    expect(found.every((index) => index >= 0)).toBe(true);
    expect(found).toEqual([...found].sort((a, b) => a - b));
  };

  it("a pair on two targets changes rescue first, and each gateway only after its partner was asked", () => {
    order(
      "claw-rescue-secrets@203.0.113.7",
      "claw-rescue-partner@203.0.113.7",
      "claw-rescue-deployment@203.0.113.7",
      "claw-main-partner",
      "claw-main-deployment",
    );
  });

  it("the partner command has the login in a secret, and its purpose in plain text", () => {
    const { create, stdin } = program.inputsOf("claw-main-partner") as {
      create: string;
      stdin: Record<string, string>;
    };
    expect(create).toMatch(/\/deployer-3\.cjs" partner rescue before main$/);
    expect(stdin).toHaveProperty([SECRET]);
    const { gateway, partner, because } = JSON.parse(stdin.value!) as PartnerRequest;
    expect(because).toMatch(/^[0-9a-f]{12}$/);
    expect(gateway).toEqual({
      lock: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      id: "main",
      program: "/tmp/no-such-root/.pulumi-openclaw/host",
      version: "2026.9.6",
    });
    expect(partner).toMatchObject({
      id: "rescue",
      program: "/var/lib/openclaw/.pulumi-openclaw/host",
      connection: { host: "203.0.113.7", user: "ann", password: "canary" },
      sudo: true,
    });
  });

  it("the host programs of a pair on two targets know no partner", () => {
    for (const name of ["claw-main-deployment", "claw-rescue-deployment@203.0.113.7"])
      expect(JSON.parse(program.inputsOf(name).stdin as string)).not.toHaveProperty("partner");
  });

  it("no partner is asked before a gateway that is forced", () => {
    expect(program.names()).not.toContain("forced-main-partner@/a");
    expect(program.names()).toContain("forced-rescue-partner@203.0.113.7/b");
  });
});
