/** Arguments and targets of a wrong type, as JavaScript lets anybody give them: refused with path and advice, never a TypeError. */
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { DockerEngine, LocalHost, SshHost } from "../../components";
import { gatewaySchema } from "../../components/rules/schemas";
import { problemsIn } from "./program";

beforeEach(() => {
  for (const { prototype } of [LocalHost, SshHost, DockerEngine])
    vi.spyOn(prototype, "findConflicts").mockImplementation((gateways) => Promise.resolve(gateways.map(() => [])));
  return () => vi.restoreAllMocks();
});

const version = "2026.9.6";
const HERE = { root: "/tmp/no-such-root", account: "openclaw-test" };

const ODD: readonly [string, () => unknown][] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a string", () => "here"],
  ["a number", () => 7],
  ["a list", () => []],
  ["a function", () => () => undefined],
  ["a promise", () => Promise.resolve({})],
  ["an output", () => pulumi.output({})],
];
const OPTIONAL = ["LocalHost", "DockerEngine"];
const CLASSES = [
  "LocalHost",
  "SshHost",
  "DockerEngine",
  "Gateway",
  "MainGateway",
  "RescueGateway",
  "GatewayPair",
] as const;

describe.each(CLASSES)("%s", (name) => {
  it.each(ODD)("takes no %s for its arguments", async (kind, odd) => {
    const problems = await problemsIn((library) => {
      const { [name]: Class } = library as unknown as Record<string, new (name: string, args: unknown) => unknown>;
      new Class!("it", odd());
    });
    if (kind === "undefined" && OPTIONAL.includes(name)) return expect(problems).toEqual([]);
    expect(problems).toEqual([
      {
        path: "it",
        reason: expect.stringMatching(/^must have an object of arguments/) as string,
        advice: expect.any(String) as string,
      },
    ]);
  });
});

describe.each(["Gateway", "MainGateway", "RescueGateway", "GatewayPair", "main of GatewayPair"])("%s", (name) => {
  it.each<[string, (library: object) => unknown]>([
    ...ODD,
    ["an object", () => ({})],
    ["a class", (library) => (library as { LocalHost: unknown }).LocalHost],
    [
      "a promise of a target",
      (library) => Promise.resolve(new (library as { LocalHost: typeof LocalHost }).LocalHost("x", HERE)),
    ],
    [
      "an output of a target",
      (library) => pulumi.output(new (library as { LocalHost: typeof LocalHost }).LocalHost("x", HERE)),
    ],
    ["another resource", () => new pulumi.ComponentResource("a:b:C", "other")],
  ])("takes no %s for its target", async (kind, odd) => {
    const isPair = name.endsWith("Pair");
    const problems = await problemsIn((library) => {
      const { [name.split(" ").at(-1)!]: Class } = library as unknown as Record<
        string,
        new (name: string, args: unknown) => unknown
      >;
      const target = odd(library);
      const args = isPair
        ? name === "GatewayPair"
          ? { target, version }
          : { target: new library.LocalHost("here", HERE), version, main: { target } }
        : { target, version, basePort: 20789 };
      new Class!("it", args);
    });
    if (kind === "undefined" && name.startsWith("main of")) return expect(problems).toEqual([]);
    const expected =
      name === "GatewayPair" ? ["it.target"] : [name.startsWith("main of") ? "it.main.target" : "it.target"];
    expect(problems.map(({ path }) => path)).toEqual(expected);
    for (const { reason, advice } of problems) {
      expect(reason).toMatch(/^(is required|must be a target)/);
      expect(advice).toContain("new LocalHost(");
    }
  });
});

describe.each(["main", "rescue"])("%s of a pair", (which) => {
  it.each(ODD.slice(1))("is no %s", async (_, odd) => {
    const problems = await problemsIn(({ GatewayPair, LocalHost }) => {
      new GatewayPair("it", { target: new LocalHost("here", HERE), version, [which]: odd() });
    });
    expect(
      problems.map(({ path, reason }) => `${path}: ${reason.replace(/; it is 7$|, known in preview: .*$/, "")}`),
    ).toEqual([`it.${which}: must be an object of gateway arguments`]);
  });
});

it("a target of another copy of this package is refused", async () => {
  const other = await import("../../components");
  vi.resetModules();
  const problems = await problemsIn(({ Gateway, LocalHost }) => {
    expect(other.LocalHost).not.toBe(LocalHost);
    new Gateway("it", { target: new other.LocalHost("there", HERE), version, basePort: 20789 });
  });
  expect(problems.map(({ path, reason, advice }) => `${path}: ${reason} -> ${advice}`)).toEqual([
    expect.stringMatching(
      /^it\.target: is a target from another copy of pulumi-openclaw.* -> have one copy only: `npm ls/,
    ),
  ]);
});

it.each(
  Object.keys(gatewaySchema.shape).flatMap((key) => ODD.slice(1).map(([kind, odd]) => [key, kind, odd] as const)),
)("%s, given as %s, is accepted or refused at its own path", async (key, _, odd) => {
  const problems = await problemsIn(({ Gateway, LocalHost }) => {
    const target = new LocalHost("here", HERE);
    new Gateway("it", { target, version, basePort: 20789, [key]: odd() });
  });
  for (const { path } of problems) expect(path).toMatch(new RegExp(`^it\\.${key}(\\.|$)`));
});
