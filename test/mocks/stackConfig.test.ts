/** The ready stack's configuration: where each gateway runs, and what of it is of no use. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Problem } from "../../components/rules/problems";
import type { StackConfig } from "../../components/stackConfig";
import { HOST_KEY } from "./values";

type Library = typeof import("../../components") & typeof import("../../components/stackConfig");
let library: Library;
const reported: Problem[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
    "openclaw",
    "dev",
  );
  const { currentProgram } = await import("../../components/preflight");
  vi.spyOn(currentProgram(), "report").mockImplementation((problems) => void reported.push(...problems));
  // A target that waits for ever does nothing to this machine.
  vi.spyOn(currentProgram(), "passed").mockReturnValue(new Promise(() => undefined));
  library = { ...(await import("../../components")), ...(await import("../../components/stackConfig")) };
});
beforeEach(() => void reported.splice(0));

const read = (values: Record<string, string>, secret: string[] = []): StackConfig => {
  const all = { target: "local", mode: "pair", version: "2026.9.6", ...values };
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(all).map(([key, value]) => [`openclaw:${key}`, value])),
    secret.map((key) => `openclaw:${key}`),
  );
  return library.readStackConfig();
};
const json = JSON.stringify;
const said = (): string[] => reported.map(({ path, reason }) => `${path}: ${reason}`);
const LOCAL = json({ target: "local" });
const ROOT = { root: "/tmp/no-such-root", account: "openclaw-test" };
const FAR = json({ host: "ssh://claw@203.0.113.7:2222", hostKey: HOST_KEY });

describe("in containers", () => {
  it("in containers, both gateways are on one engine", () => {
    const { where, pair } = read({ target: "docker" });
    const { target, main, rescue } = pair();
    expect(said()).toEqual([]);
    expect(target).toBeInstanceOf(library.DockerEngine);
    expect(main).toEqual({ target });
    expect(rescue).toEqual({ target });
    expect(where).toEqual({ main: { docker: "docker" }, rescue: { docker: "docker" } });
  });

  it("an engine elsewhere is configured with the arguments of `docker` and `ssh`", () => {
    const far = { docker: "docker -H ssh://claw@203.0.113.7:2222", host: "-p 2222 claw@203.0.113.7" };
    expect(read({ target: "docker", docker: FAR }).where).toEqual({ main: far, rescue: far });
    const { where } = read({ target: "docker", docker: json({ host: "unix:///run/docker.sock" }) });
    expect(where.main).toEqual({ docker: "docker -H unix:///run/docker.sock" });
  });

  it("a main in a container beside a rescue on the host keeps the host's arguments", () => {
    const { where, pair } = read({ ...ROOT, main: json({ target: "docker", basePort: 18000 }) });
    const { target, main, rescue } = pair();
    expect(said()).toEqual([]);
    expect(main).toEqual({ target, basePort: 18000 });
    expect(target).toBeInstanceOf(library.DockerEngine);
    expect(rescue?.target).toBeInstanceOf(library.LocalHost);
    expect(where).toEqual({ main: { docker: "docker" }, rescue: {} });
  });

  it("rescue alone is on the host where only its target says so", () => {
    const { pair } = read({ ...ROOT, target: "docker", rescue: LOCAL });
    expect(said()).toEqual([]);
    expect(pair().rescue?.target).toBeInstanceOf(library.LocalHost);
  });

  it("the rescue of mode rescue runs in a container, too", () => {
    const { where, rescue } = read({ mode: "rescue", rescue: json({ target: "docker" }) });
    expect(rescue().target).toBeInstanceOf(library.DockerEngine);
    expect(where.rescue).toEqual({ docker: "docker" });
    expect(said()).toEqual([]);
  });

  it("configuration that no gateway uses is refused", () => {
    read({ docker: FAR });
    expect(said()).toEqual(["openclaw.docker: is set, but no gateway uses it"]);
    reported.splice(0);
    read({ target: "docker", ssh: "{}" });
    expect(said()).toEqual(["openclaw.ssh: is set, but no gateway uses it"]);
    reported.splice(0);
    read({ target: "docker", ...ROOT });
    expect(said()).toEqual(
      ["root", "account"].map(
        (key) => `openclaw.${key}: applies only to gateways on a host, but all gateways run in containers`,
      ),
    );
    expect(reported[0]?.advice).toContain("pulumi config rm root");
  });

  it("an unknown target is reported once", () => {
    read({ target: "docker", main: json({ target: "moon" }) });
    expect(said()).toHaveLength(1);
    reported.splice(0);
    read({ mode: "rescue", rescue: json({ target: "moon" }) });
    expect(said()).toHaveLength(1);
    expect(said()[0]).toMatch(/^openclaw\.rescue\.target: /);
  });

  it("a registry's password in plain text is refused", () => {
    const docker = json({ registryAuth: { address: "registry.example.org", username: "claw", password: "x" } });
    read({ target: "docker", docker });
    expect(said()).toEqual([
      "openclaw.docker.registryAuth.password: is stored in plain text in the stack's config file",
    ]);
    reported.splice(0);
    read({ target: "docker", docker }, ["docker"]);
    expect(said()).toEqual([]);
  });
});

describe("what was set without --path", () => {
  it.each<[string, string, string[], string]>([
    ["main.basePort", "18789", [], 'config set --path main.basePort 18789")'],
    ["rescue.profile", "helper", [], 'config set --path rescue.profile helper")'],
    [
      "main.telegram.botToken",
      "4711:canary",
      ["main.telegram.botToken"],
      'set --secret --path main.telegram.botToken")',
    ],
    ["main.env.KEY", "canary", [], 'config set --secret --path main.env.KEY")'],
    ["main.telegram.apiRoot", "canary", [], 'config set --path main.telegram.apiRoot VALUE")'],
    ["main.telegram.allowFrom[0]", "4242", [], "set --path 'main.telegram.allowFrom[0]' 4242"],
    ["ssh.host", "203.0.113.7", [], 'config set --path ssh.host VALUE")'],
  ])("%s, set without --path, is refused with the right command", (key, value, secret, command) => {
    read({ ...ROOT, [key]: value }, secret);
    expect(said()).toEqual([`openclaw.${key}: was set without --path, so it is a key of its own that nothing reads`]);
    expect(reported[0]?.advice).toContain(`pulumi config rm ${key}`);
    expect(reported[0]?.advice?.replaceAll('ARGS="', "config ")).toContain(command);
    expect(reported[0]?.advice).not.toContain("canary");
  });
});

describe("what was set with --secret", () => {
  const PATH = "main.config.mcp.servers.gh.headers.Authorization";
  const main = json({ env: { KEY: "x" }, config: { mcp: { servers: { gh: { headers: { Authorization: "x" } } } } } });

  it.each([
    [
      "inside config is refused with its path",
      `openclaw:main:\n    config: { mcp: { servers: { gh: { headers: { Authorization: { secure: v1 } } } } } }`,
      [PATH],
    ],
    ["around config is refused, too", "openclaw:main:\n    secure: v1", ["main"]],
    ["elsewhere is accepted", "openclaw:main:\n    env: { KEY: { secure: v1 } }", []],
  ])("a value set with --secret %s", (_, text, paths) => {
    const directory = mkdtempSync(join(tmpdir(), "stack-file-"));
    try {
      vi.spyOn(pulumi, "getRootDirectory").mockReturnValue(directory);
      writeFileSync(join(directory, "Pulumi.dev.yaml"), `config:\n  ${text}\n`);
      read({ ...ROOT, main }, ["main"]);
      expect(said().map((each) => each.split(": ")[0])).toEqual(paths.map((path) => `openclaw.${path}`));
      if (paths.length) expect(reported[0]?.advice).toContain("set --secret --path main.env.NAME");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
