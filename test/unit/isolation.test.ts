import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkIsolation } from "../../components/rules/isolation";
import { MAX_BASE_PORT, MIN_BASE_PORT, overlaps, portBlock } from "../../model/ports";
import { resolveGateway, type ResolvedGateway } from "../../components/rules/resolve";
import { resolved, layout } from "./gateways";

/** Paths and reasons of the problems between a main gateway and another one. */
function problems(other: Record<string, unknown>, main: Record<string, unknown> = {}) {
  const gateways = [
    resolved("main", { basePort: 18789, ...main }),
    resolved("ops", { profile: "ops", basePort: 20789, ...other }),
  ];
  return checkIsolation(gateways).map(({ path, reason }) => `${path}: ${reason}`);
}

describe("port blocks", () => {
  it("overlapping port blocks are refused with both gateways, both blocks and the nearest free base", () => {
    const found = checkIsolation([
      resolved("main", { basePort: 18789 }),
      resolved("rescue", { profile: "rescue", basePort: 18809 }),
    ]);
    expect(found).toEqual([
      {
        path: "rescue.basePort",
        reason: "its ports 18809-18919 overlap those of main (18789-18899): a gateway owns base … base+110",
        advice: "use 18900, the nearest free base port",
      },
    ]);
  });

  it.each([
    [110, 1],
    [111, 0],
    [20, 1],
    [0, 1],
  ])("port blocks %i apart have %i problems", (distance, count) => {
    expect(problems({ basePort: 18789 + distance })).toHaveLength(count);
  });

  it("the port blocks of any set of gateways are disjoint, or the program is refused", () => {
    const base = fc.integer({ min: MIN_BASE_PORT, max: MAX_BASE_PORT });
    // Bases near each other as often as far apart.
    const bases = fc.oneof(
      fc.array(base, { minLength: 2, maxLength: 6 }),
      fc
        .tuple(
          fc.integer({ min: 20000, max: 30000 }),
          fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 2, maxLength: 6 }),
        )
        .map(([start, offsets]) => offsets.map((offset) => start + offset)),
    );
    fc.assert(
      fc.property(bases, (chosen) => {
        const gateways = chosen.map((basePort, n) => resolved(`g${n}`, { profile: `p${n}`, basePort }));
        const disjoint = chosen.every((a, i) =>
          chosen.every((b, j) => i === j || !overlaps(portBlock(a), portBlock(b))),
        );
        const refused = checkIsolation(gateways).some(({ path }) => path.endsWith(".basePort"));
        expect(refused).toBe(!disjoint);
      }),
      { numRuns: 500 },
    );
  });
});

describe("names", () => {
  it("two gateways must not have the same profile", () => {
    expect(problems({ profile: undefined })).toContain('ops.profile: profile "default" is also the profile of main');
  });

  it("the default profile and a profile named main would share a command", () => {
    expect(problems({ profile: "main" })[0]).toMatch(/profiles "main" and "default" \(main\) would share the command/);
  });

  it("two named profiles are accepted together", () => {
    expect(problems({}, { profile: "main" })).toEqual([]);
  });
});

describe("paths", () => {
  it.each([
    [
      "the same state directory",
      { stateDir: "/data/one" },
      { stateDir: "/data/one" },
      "ops.stateDir: /data/one is also main.stateDir",
    ],
    [
      "a state directory inside another",
      { stateDir: "/data/one/two" },
      { stateDir: "/data/one" },
      "ops.stateDir: /data/one/two is inside main.stateDir (/data/one)",
    ],
    [
      "a state directory around another",
      { stateDir: "/data" },
      { stateDir: "/data/one" },
      "ops.stateDir: /data contains main.stateDir (/data/one)",
    ],
    [
      "the same workspace",
      { workspace: "/work/a" },
      { workspace: "/work/a" },
      "ops.workspace: /work/a is also main.workspace",
    ],
    [
      "a workspace inside another's state",
      { workspace: "/data/one/w" },
      { stateDir: "/data/one" },
      "ops.workspace: /data/one/w is inside main.stateDir (/data/one)",
    ],
    [
      "the same configuration",
      { configPath: "/etc/claw.json" },
      { configPath: "/etc/claw.json" },
      "ops.configPath: /etc/claw.json is also main.configPath",
    ],
    [
      "a configuration in another's workspace",
      { configPath: "/work/a/c.json" },
      { workspace: "/work/a" },
      "ops.configPath: /work/a/c.json is inside main.workspace (/work/a)",
    ],
  ])("%s is refused", (_, other, main, expected) => {
    expect(problems(other, main)).toEqual([expected]);
  });

  it("paths that only begin alike are different", () => {
    expect(problems({ stateDir: "/data/one-more" }, { stateDir: "/data/one" })).toEqual([]);
  });

  it.each([
    [
      "a workspace that is the state directory",
      { stateDir: "/d", workspace: "/d" },
      /^g\.workspace: \/d is the state directory/,
    ],
    [
      "a workspace around the state directory",
      { stateDir: "/d/s", workspace: "/d" },
      /^g\.workspace: \/d contains the state directory/,
    ],
    [
      "a configuration in the own workspace",
      { workspace: "/w", configPath: "/w/c.json" },
      /^g\.configPath: \/w\/c\.json is inside the workspace/,
    ],
  ])("%s is refused", (_, args, expected) => {
    const [problem] = checkIsolation([resolved("g", { basePort: 20000, ...args })]);
    expect(`${problem?.path}: ${problem?.reason}`).toMatch(expected);
  });

  it("paths of any two gateways share nothing, or the program is refused", () => {
    const directory = fc
      .array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 })
      .map((parts) => `/x/${parts.join("/")}`);
    fc.assert(
      fc.property(directory, directory, (one, two) => {
        const gateways = [
          resolved("one", { profile: "one", basePort: 20000, stateDir: one, workspace: "/w/1" }),
          resolved("two", { profile: "two", basePort: 30000, stateDir: two, workspace: "/w/2" }),
        ];
        const nested = one === two || one.startsWith(`${two}/`) || two.startsWith(`${one}/`);
        expect(checkIsolation(gateways).length > 0).toBe(nested);
      }),
    );
  });
});

describe("explicit ports", () => {
  const browser = (cdpPort: number) => ({ browser: { profiles: { work: { cdpPort } } } });

  it.each([
    [
      "in another gateway's block",
      browser(18805),
      {},
      "ops.browser.profiles.work.cdpPort: 18805 is one of the ports of main (18789-18899)",
    ],
    [
      "that is the gateway's own port",
      browser(20789),
      {},
      "ops.browser.profiles.work.cdpPort: 20789 is already the gateway port of this gateway",
    ],
    [
      "that is a relay's port",
      browser(20799),
      {},
      "ops.browser.profiles.work.cdpPort: 20799 is already the extension relay port of this gateway",
    ],
    [
      "used twice",
      browser(9222),
      browser(9222),
      "ops.browser.profiles.work.cdpPort: 9222 is already used by main.browser.profiles.work.cdpPort",
    ],
    [
      "of a sandbox in another's block",
      { config: { mcp: { apps: { sandboxPort: 18790 } } } },
      {},
      "ops.config.mcp.apps.sandboxPort: 18790 is one of the ports of main (18789-18899)",
    ],
  ])("%s is refused", (_, other, main, expected) => {
    expect(problems(other, main)).toEqual([expected]);
  });

  it("explicit ports in the gateway's own CDP range or outside every block are accepted", () => {
    expect(problems(browser(20800), browser(9222))).toEqual([]);
  });

  it("two Telegram webhooks on the default port are refused", () => {
    const webhook = { config: { channels: { telegram: { webhookUrl: "https://example.org" } } } };
    expect(problems(webhook, webhook)).toEqual([
      "ops.config.channels.telegram.webhookPort: 8787 is already used by main.config.channels.telegram.webhookPort",
    ]);
  });

  it("a refused explicit port gets advice with a free one", () => {
    const [problem] = checkIsolation([
      resolved("main", { basePort: 18789 }),
      resolved("ops", { profile: "ops", basePort: 20789, ...browser(18805) }),
    ]);
    expect(problem?.advice).toContain("20800");
  });
});

describe("cdpUrl", () => {
  const at = (cdpUrl: string) => ({ browser: { cdpUrl } });
  it("the same cdpUrl on two gateways is refused, however it is written", () => {
    expect(problems(at("http://chrome.lan:9222"), at("http://CHROME.lan:9222/"))).toEqual([
      "ops.browser.cdpUrl: is the same browser as main.browser.cdpUrl",
    ]);
  });
  it("a cdpUrl of the other gateway's own browser is refused, in either order", () => {
    expect(problems(at("http://127.0.0.1:18800"))[0]).toMatch(
      /^ops\.browser\.cdpUrl: port 18800 on this host belongs to main/,
    );
    expect(problems({}, at("http://localhost:20800"))[0]).toMatch(
      /^main\.browser\.cdpUrl: port 20800 on this host belongs to ops/,
    );
  });
  it("different cdpUrls are accepted", () => {
    expect(problems(at("http://chrome.lan:9222"), at("http://chrome.lan:9223"))).toEqual([]);
  });
});

it("the page's setups are accepted", () => {
  const setups: Record<string, unknown>[][] = [
    [{ basePort: 18789 }, { profile: "rescue", basePort: 19789 }],
    [{ basePort: 18789 }, { profile: "ops", basePort: 19789 }],
    [
      { profile: "main", basePort: 18789 },
      { profile: "ops", basePort: 19789 },
    ],
  ];
  for (const setup of setups) {
    const gateways = setup.map((args, n): ResolvedGateway => {
      const { gateway, problems: found } = resolveGateway(`g${n}`, { version: "2026.9.6", ...args }, layout);
      expect(found).toEqual([]);
      return gateway!;
    });
    expect(checkIsolation(gateways)).toEqual([]);
  }
});
