import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecret, MockedProgram, placeInTree, valueOf } from "./program";

const program = new MockedProgram();
const specOf = (name: string) =>
  JSON.parse(program.inputsOf(`${name}-deployment`).stdin as string) as Record<string, unknown>;

const outputs: Record<string, unknown> = {};
const urns: string[] = [];

beforeAll(() =>
  program.run(async ({ Gateway, GatewayPair, LocalHost }) => {
    const target = new LocalHost("here", { root: "/tmp/no-such-root", account: "openclaw-test" });
    const telegram = { botToken: pulumi.secret("canary-main-bot"), allowFrom: ["4242"] };
    const pair = new GatewayPair("claw", {
      target,
      version: "2026.9.6",
      main: { basePort: 21000, telegram, env: { KEY: "canary-env" } },
      rescue: { basePort: 21111, telegram: { botToken: "canary-rescue-bot", allowFrom: [1] } },
    });
    const ops = new Gateway("ops", { target, version: "2026.9.6", profile: "ops", basePort: 21222 });
    outputs.tokenIsSecret = await pulumi.isSecret(pair.main.token);
    for (const [name, gateway] of Object.entries({ main: pair.main, rescue: pair.rescue, ops }))
      outputs[name] = await valueOf(
        pulumi.output({
          ports: gateway.ports,
          url: gateway.url,
          stateDir: gateway.stateDir,
          service: gateway.serviceName,
          token: gateway.token,
        }),
      );
    for (const resource of [target, pair, pair.main, pair.rescue, ops]) urns.push(await valueOf(resource.urn));
  }, []),
);
afterAll(() => program.end());

describe("the tree of a pair and one more gateway", () => {
  it("the resources of a gateway are few, and named after it", () => {
    expect(program.tree().sort()).toEqual(
      [
        "openclaw:index:LocalHost here",
        "command:local:Command here-program",
        "pulumi:index:Stash here-owner",
        "pulumi:index:Stash here-repair",
        "pulumi:index:Stash openclaw-2026.9.6-lock",
        "openclaw:index:GatewayPair claw",
        ...["claw-main", "claw-rescue", "ops"].flatMap((name) => [
          `openclaw:index:Gateway ${name}`,
          `pulumi:index:Stash ${name}-token`,
          `pulumi:index:Stash ${name}-repair`,
          `command:local:Command ${name}-slot`,
          `command:local:Command ${name}-lock`,
          `command:local:Command ${name}-secrets`,
          `command:local:Command ${name}-deployment`,
        ]),
      ].sort(),
    );
  });

  it("the gateways of a pair are its children", () => {
    expect(urns.map(placeInTree)).toEqual([
      "openclaw:index:LocalHost here",
      "openclaw:index:GatewayPair claw",
      "openclaw:index:GatewayPair$openclaw:index:Gateway claw-main",
      "openclaw:index:GatewayPair$openclaw:index:Gateway claw-rescue",
      "openclaw:index:Gateway ops",
    ]);
  });

  it("every secret is marked, and in nothing else", () => {
    for (const name of ["claw-main", "claw-rescue", "ops"]) {
      expect(isSecret(program.inputsOf(`${name}-token`).input), name).toBe(true);
      expect(isSecret(program.inputsOf(`${name}-secrets`).stdin), name).toBe(true);
      expect(program.inputsOf(`${name}-secrets`).logging).toBe("none");
      expect(typeof program.inputsOf(`${name}-deployment`).stdin, name).toBe("string");
      expect(program.inputsOf(`${name}-deployment`).create).toMatch(
        /' apply-locked '\w+' 0123456789abcdef 0123456789abcdef [0-9a-f]{16}$/,
      );
    }
    expect(outputs.tokenIsSecret).toBe(true);
    expect(program.plainInputs()).not.toContain("canary");
  });

  it("every gateway gets a token of its own", () => {
    const tokens = ["main", "rescue", "ops"].map((name) => (outputs[name] as { token: string }).token);
    expect(new Set(tokens).size).toBe(3);
    expect(tokens.every((token) => /^[0-9a-f]{64}$/.test(token))).toBe(true);
  });

  it("the outputs have derived ports, paths and names", () => {
    expect(outputs.rescue).toMatchObject({
      ports: {
        gateway: 21111,
        canvas: 21111,
        sandbox: 21112,
        browserControl: 21113,
        cdp: { first: 21122, last: 21221 },
      },
      url: "http://127.0.0.1:21111",
      stateDir: "/tmp/no-such-root/.openclaw-rescue",
      service: "openclaw-gateway-rescue",
    });
  });

  it("main and rescue are partners, and a third gateway has none", () => {
    expect([specOf("claw-main").partner, specOf("claw-rescue").partner, specOf("ops").partner]).toEqual([
      "rescue",
      "main",
      undefined,
    ]);
  });

  it("no command gets its previous output in its environment", () => {
    for (const { type, name, inputs } of program.registered)
      if (type === "command:local:Command") expect(inputs.addPreviousOutputInEnv, name).toBe(false);
  });
});
