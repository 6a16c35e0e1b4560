/** What a change of a running gateway's configuration costs, and what OpenClaw says of it. */
import { describe, expect, it } from "vitest";
import { readReload } from "../../host/reload";
import { changedPaths, costOf, touchesChannels } from "../../model/reload";

const VERSION = "2026.9.6";

describe("paths that differ between two configurations", () => {
  it.each([
    [{ a: { b: 1 } }, { a: { b: 1 } }, []],
    [{ a: { b: 1 } }, { a: { b: 2 } }, ["a.b"]],
    [{ a: [1, 2] }, { a: [1] }, ["a"]],
    [{}, { a: { b: 1, c: { d: 2 } } }, ["a.b", "a.c.d"]],
    [{ a: { b: 1 } }, {}, ["a.b"]],
    [{ a: {} }, {}, ["a"]],
    [{ a: 1 }, { a: { b: 1 } }, ["a.b"]],
  ])("%j to %j", (before, after, paths) => expect(changedPaths(before, after)).toEqual(paths));
});

describe("the cost of a change", () => {
  // Source: docs/gateway/configuration/hot-reload.md in OpenClaw's package, and its rules for the rest.
  it.each([
    ["agents.defaults.timeoutSeconds", "live"],
    ["channels.telegram.allowFrom", "live"],
    ["commands.ownerAllowFrom", "live"],
    ["secrets.providers.pulumi-openclaw.path", "live"],
    ["gateway.auth.token.id", "live"],
    ["gateway.auth.mode", "restart"],
    ["gateway.port", "restart"],
    ["gateway.bind", "restart"],
    ["gateway.tls.enabled", "restart"],
    ["gateway.controlUi.basePath", "restart"],
    ["gateway.controlUi.allowedOrigins", "live"],
    ["gateway.trustedProxies", "live"],
    ["gateway.toolsets", "restart"],
    ["discovery.mdns.mode", "live"],
    ["discovery.wideArea.enabled", "restart"],
    ["browser.profiles.work.cdpPort", "live"],
    ["browser.enabled", "restart"],
    ["mcp.servers.files.command", "live"],
    ["mcp.apps.port", "restart"],
    ["mcp.apps.sandboxOrigin", "live"],
    ["secrets.egressProxy.enabled", "restart"],
    ["a.key.that.nobody.knows", "restart"],
  ])("of %s is %s", (path, cost) => expect(costOf([path], VERSION)).toBe(cost));

  it("is that of the dearest key, and nothing for nothing", () => {
    expect(costOf(["session.scope", "gateway.tls.enabled"], VERSION)).toBe("restart");
    expect(costOf([], VERSION)).toBe("nothing");
  });

  it("is not known of a version whose rules were not read", () => {
    expect(costOf(["session.scope"], "2026.9.7")).toBe("restart");
  });

  it("includes channels where they share what changes", () => {
    expect(touchesChannels(["session.scope", "commands.ownerAllowFrom"])).toBe(true);
    expect(touchesChannels(["commandsOfMine", "agents.defaults.timeoutSeconds"])).toBe(false);
  });
});

describe("what OpenClaw says of a changed configuration", () => {
  const line = (words: string): string => `2026-11-28T09:21:46.199+00:00 [reload] ${words}`;
  const read = (...words: string[]) => readReload(words.map(line).join("\n"));
  const NOTICED = "config change detected; evaluating reload (agents.defaults.timeoutSeconds)";

  it.each([
    ["nothing yet", [NOTICED], {}],
    [
      "that it is applied",
      [NOTICED, "config hot reload applied (agents.defaults.timeoutSeconds)"],
      { isApplied: true },
    ],
    [
      "that it is read where it is used",
      [NOTICED, "config change applied (dynamic reads: logging)"],
      { isApplied: true },
    ],
    [
      "that it restarts",
      [NOTICED, "config change requires gateway restart (gateway.tls) — preparing"],
      { isRestarting: true },
    ],
    [
      "that it restarts when it has finished",
      [NOTICED, "config change requires gateway restart (gateway.tls) — deferring until 1 agent run(s) complete"],
      { isRestarting: true, isDeferred: true },
    ],
    [
      "that it is invalid",
      ['config reload skipped (invalid config): session: Unrecognized key: "idle"'],
      { refused: 'session: Unrecognized key: "idle"' },
    ],
    ["that it failed", [NOTICED, "config reload failed: Error: no such secret"], { refused: "Error: no such secret" }],
    ["that a former one was applied", ["config hot reload applied (session)", NOTICED], {}],
    [
      "nothing of a former one that was refused",
      ["config reload skipped (invalid config): x", NOTICED, "config hot reload applied (session)"],
      { isApplied: true },
    ],
  ])("%s", (_, words, expected) => {
    expect(read(...words)).toEqual({ isApplied: false, isRestarting: false, isDeferred: false, ...expected });
  });

  it("is not what somebody else has it print", () => {
    const forged = "2026-11-28T09:21:46.199+00:00 [agent] he said: [reload] config hot reload applied (x)";
    expect(readReload(forged).isApplied).toBe(false);
  });
});
