import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { SECRET } from "./values";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];
const byName = (name: string): Registered => {
  const found = registered.find((each) => each.name === name);
  if (!found) throw new Error(`no ${name} in ${registered.map((each) => each.name).join(", ")}`);
  return found;
};
const isSecret = (value: unknown): boolean => typeof value === "object" && value !== null && SECRET in value;
const specOf = (name: string) =>
  JSON.parse(byName(`${name}-deployment`).inputs.stdin as string) as Record<string, unknown>;

const valueOf = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((resolve) => void output.apply(resolve));
const outputs: Record<string, unknown> = {};
const urns: string[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs: inputs as Record<string, unknown> });
        const state = inputs as { input?: unknown };
        return {
          id: `${name}-id`,
          state:
            type === "pulumi:index:Stash"
              ? { ...state, output: state.input }
              : { ...state, stdout: "0123456789abcdef" },
        };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    false,
  );
  const { Gateway, GatewayPair, LocalHost } = await import("../../components");
  await pulumi.runtime.runInPulumiStack(async () => {
    const target = new LocalHost("here", { root: "/tmp/no-such-root", account: "openclaw-test" });
    const telegram = { botToken: pulumi.secret("canary-main-bot"), allowFrom: ["4242"] };
    const pair = new GatewayPair("claw", {
      target,
      version: "2026.9.6",
      main: { basePort: 21000, telegram, env: { KEY: "canary-env" } },
      rescue: { basePort: 21111, telegram: { botToken: "canary-rescue-bot", allowFrom: [1] } },
    });
    const ops = new Gateway("ops", { target, version: "2026.9.6", profile: "ops", basePort: 21222 });
    const token = pair.main.token;
    outputs.tokenIsSecret = await pulumi.isSecret(token);
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
    return {};
  });
});

describe("the tree of a pair and one more gateway", () => {
  it("has few children, named after their gateway", () => {
    const tree = registered
      .filter(({ type }) => !type.startsWith("pulumi:pulumi"))
      .map(({ type, name }) => `${type} ${name}`);
    expect(tree.sort()).toEqual(
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
          `command:local:Command ${name}-slot`,
          `command:local:Command ${name}-lock`,
          `command:local:Command ${name}-secrets`,
          `command:local:Command ${name}-deployment`,
        ]),
      ].sort(),
    );
  });

  it("hangs together by parents", () => {
    expect(urns.map((urn) => urn.split("::").slice(2).join(" ").replace("pulumi:pulumi:Stack$", ""))).toEqual([
      "openclaw:index:LocalHost here",
      "openclaw:index:GatewayPair claw",
      "openclaw:index:GatewayPair$openclaw:index:Gateway claw-main",
      "openclaw:index:GatewayPair$openclaw:index:Gateway claw-rescue",
      "openclaw:index:Gateway ops",
    ]);
  });

  it("keeps every secret marked and out of everything else", () => {
    for (const name of ["claw-main", "claw-rescue", "ops"]) {
      expect(isSecret(byName(`${name}-token`).inputs.input), name).toBe(true);
      expect(isSecret(byName(`${name}-secrets`).inputs.stdin), name).toBe(true);
      expect(byName(`${name}-secrets`).inputs.logging).toBe("none");
      expect(typeof byName(`${name}-deployment`).inputs.stdin, name).toBe("string");
      expect(byName(`${name}-deployment`).inputs.create).toMatch(
        /' apply-locked '\w+' 0123456789abcdef 0123456789abcdef [0-9a-f]{16}$/,
      );
    }
    expect(outputs.tokenIsSecret).toBe(true);
    const plain = registered
      .flatMap(({ inputs }) => Object.values(inputs))
      .filter((value) => !isSecret(value))
      .map((value) => JSON.stringify(value))
      .join();
    expect(plain).not.toContain("canary");
  });

  it("gives every gateway a token of its own", () => {
    const tokens = ["main", "rescue", "ops"].map((name) => (outputs[name] as { token: string }).token);
    expect(new Set(tokens).size).toBe(3);
    expect(tokens.every((token) => /^[0-9a-f]{64}$/.test(token))).toBe(true);
  });

  it("tells derived ports, paths and names", () => {
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

  it("makes main and rescue partners, and leaves the third alone", () => {
    expect([specOf("claw-main").partner, specOf("claw-rescue").partner, specOf("ops").partner]).toEqual([
      "rescue",
      "main",
      undefined,
    ]);
  });

  it("never hands the deployer's former output to the next command", () => {
    for (const { type, name, inputs } of registered)
      if (type === "command:local:Command") expect(inputs.addPreviousOutputInEnv, name).toBe(false);
  });
});
