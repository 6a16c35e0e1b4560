/** One mistake is one line: what stands in the place of a refused argument has no problems of its own. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { LocalHost } from "../../components";
import type { HostConflict } from "../../model/conflict";
import { problemsIn } from "./program";

/** As of a machine where other gateways run than these: on every port, and in every directory. */
const PORTS = [0, 1, 2, 3, 4].map((offset): HostConflict => {
  const reason = `node (pid 4711) listens on port ${18789 + offset}`;
  return { property: "basePort", reason, advice: "stop that program" };
});

beforeEach(() => {
  vi.spyOn(LocalHost.prototype, "findConflicts").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => PORTS)),
  );
  return () => vi.restoreAllMocks();
});

const version = "2026.9.6";
const ROOT = "/tmp/no-such-root";
const said = (problems: Awaited<ReturnType<typeof problemsIn>>): string[] =>
  problems.map(({ path, reason }) => `${path}: ${reason}`);

const pair = (args: object, host: object = {}) =>
  problemsIn(({ GatewayPair, LocalHost }) => {
    const target = new LocalHost("here", { root: ROOT, account: "openclaw-test", ...host });
    return new GatewayPair("claw", { target, version, ...args });
  });

describe("on a machine where everything is in the way", () => {
  it("a correct program gets all problems of its machine", async () => {
    expect(await pair({})).toHaveLength(2 * PORTS.length);
  });

  it.each<[string, object, string]>([
    ["a wrong root", { root: "claw" }, "here.root: must be an absolute path"],
    ["a misspelt root", { root: undefined, rot: ROOT }, "here.rot: is not a known argument"],
    ["a wrong account", { account: "Claw" }, "here.account: must be a Linux account name"],
    ["a wrong supervisor", { supervisor: "runit" }, 'here.supervisor: must be "systemd" or "process"'],
  ])("%s of a host is the only problem reported", async (_, host, expected) => {
    expect(said(await pair({}, host))).toEqual([expect.stringContaining(expected)]);
  });

  it.each<[string, object, string]>([
    ["profile", { profile: "Ops" }, "claw.rescue.profile: must be 1 to 64"],
    ["base port", { basePort: "19789" }, "claw.rescue.basePort: must be a number"],
    ["state directory", { stateDir: "state" }, "claw.rescue.stateDir: must be an absolute path"],
    ["misspelt base port", { basport: 20789 }, "claw.rescue.basport: is not a known argument"],
    ["argument like no other", { port: 20789 }, "claw.rescue.port: is not a known argument"],
  ])("a wrong %s excludes only its own gateway from further checks", async (_, rescue, expected) => {
    const problems = said(await pair({ rescue }));
    expect(problems.filter((each) => !each.startsWith("claw.main.basePort: node"))).toEqual([
      expect.stringContaining(expected),
    ]);
    expect(problems).toHaveLength(1 + PORTS.length);
  });

  it.each<[string, Record<string, string>, string]>([
    ["a wrong root", { root: "claw" }, "openclaw.root: must be an absolute path"],
    ["a misspelt root", { rot: ROOT }, "openclaw.rot: is not a known argument"],
    ["any misspelt key", { root: ROOT, vesion: version }, "openclaw.vesion: is not a known argument"],
    ["a target that there is not", { target: "dokcer", docker: "{}" }, 'openclaw.target: must be "local" or "ssh"'],
    [
      "one of a gateway that there is not",
      { main: '{"target":"dokcer"}', docker: "{}" },
      'openclaw.main.target: must be "local" or "ssh"',
    ],
  ])("%s in the stack's configuration is the only problem reported", async (_, config, expected) => {
    const all = { target: "local", mode: "pair", version, account: "openclaw-test", ...config };
    const problems = await problemsIn(({ GatewayPair, readStackConfig }) => {
      new GatewayPair("openclaw", readStackConfig().pair());
    }, all);
    expect(said(problems)).toEqual([expect.stringContaining(expected)]);
  });
});

it("a variable whose value is refused counts as set", async () => {
  vi.spyOn(LocalHost.prototype, "findConflicts").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => [])),
  );
  const main = { env: { KEY: "", OTHER: "x" }, config: { env: { vars: { A: "${KEY}", B: "${OTHER}" } } } };
  expect(said(await pair({ main }))).toEqual(["claw.main.env.KEY: must be a non-empty string or an Output of one"]);
});

it("a key that OpenClaw does not know is that alone, whatever is in it", async () => {
  vi.spyOn(LocalHost.prototype, "findConflicts").mockImplementation((gateways) =>
    Promise.resolve(gateways.map(() => [])),
  );
  const config = { gateway: { token: "canary-plain-token" }, browser: { controlPort: 1 } };
  expect(said(await pair({ main: { config } }))).toEqual([
    "claw.main.config.browser.controlPort: browser control is on basePort + 2",
    "claw.main.config.gateway.token: is not a key of OpenClaw 2026.9.6",
  ]);
});
