import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveGateway } from "../../components/rules/resolve";
import { unknownPlugins } from "../../components/rules/config/plugins";
import { placePlugins } from "../../host/plugins";
import { withoutChannelPlugins } from "../../model/plugins";
import { manifestFor, pack, lockedPlugins } from "../../model/packageLock";
import { engine, layout } from "./gateways";

const VERSION = "2026.9.6";
const resolve = (args: object, place = layout as Parameters<typeof resolveGateway>[2]) =>
  resolveGateway("ops", { version: VERSION, basePort: 20789, profile: "ops", ...args }, place);
const pluginsOf = (args: object) => resolve(args).gateway?.plugins;
const entriesOf = (args: object) =>
  (resolve(args).gateway?.config.plugins as { entries?: object } | undefined)?.entries;
const said = (args: object, isContainer = false): string[] =>
  unknownPlugins({ version: VERSION, ...args }, "ops.config", isContainer).map(
    ({ path, reason, advice }) => `${path}: ${reason} -> ${advice ?? ""}`,
  );

describe("the plugins of a gateway", () => {
  it("a configuration that needs no plugin gets none", () => {
    expect(
      pluginsOf({ config: { channels: { telegram: {} }, plugins: { entries: { browser: { enabled: true } } } } }),
    ).toEqual({});
  });

  it("plugins of channels are installed and enabled, in OpenClaw's version or the one that it names", () => {
    const config = { channels: { discord: {}, wecom: {}, slack: { enabled: false }, defaults: {} } };
    expect(pluginsOf({ config })).toEqual({
      "@openclaw/discord": VERSION,
      "@wecom/wecom-openclaw-plugin": "2026.7.2",
    });
    expect(entriesOf({ config })).toEqual({ discord: { enabled: true }, "wecom-openclaw-plugin": { enabled: true } });
  });

  it("plugins that config enables or `plugins` names are installed, in their versions", () => {
    const plugins = { "@scope/b": "1.0.0", "@openclaw/discord": "2026.9.5" };
    const config = { channels: { discord: {} }, plugins: { entries: { matrix: { enabled: true } } } };
    expect(Object.entries(pluginsOf({ config, plugins }) ?? {})).toEqual([
      ["@openclaw/discord", "2026.9.5"],
      ["@openclaw/matrix", VERSION],
      ["@scope/b", "1.0.0"],
    ]);
  });

  it("plugins of a container are its image's", () => {
    const { gateway, problems } = resolve({ config: { channels: { discord: {} } } }, engine);
    expect(problems).toEqual([]);
    expect(gateway?.plugins).toEqual({});
    const [problem] = resolve({ plugins: { "@scope/b": "1.0.0" } }, engine).problems;
    expect(problem).toMatchObject({ path: "ops.plugins", advice: expect.stringContaining("image") as unknown });
  });

  it.each([
    ["a range", { "@scope/b": "^1.0.0" }, "ops.plugins.@scope/b: must be an exact version"],
    ["a tag", { "@scope/b": "latest" }, "ops.plugins.@scope/b: must be an exact version"],
    ["no name of a package", { "../b": "1.0.0" }, "ops.plugins.../b: is not the name of an npm package"],
    ["OpenClaw itself", { openclaw: "1.0.0" }, "ops.plugins.openclaw: is OpenClaw itself: use `version`"],
  ])("plugins are refused where they are %s", (_, plugins, expected) => {
    const problems = resolve({ plugins }).problems.map(({ path, reason }) => `${path}: ${reason}`);
    expect(problems.join()).toContain(expected);
  });
});

describe("a channel or a plugin that nobody has", () => {
  it("an unknown plugin is found beside an empty list of directories, and beside other packages if it is OpenClaw's own", () => {
    const entries = { brave: { enabled: true }, mine: { enabled: true } };
    const found = (args: object): string[] => said(args).map((text) => text.split(": ")[0]!.split(".").at(-1)!);
    expect(found({ config: { plugins: { entries, load: { paths: [] } } } })).toEqual(["brave", "mine"]);
    expect(found({ config: { plugins: { entries } }, plugins: { "@x/mine": "1.0.0" } })).toEqual(["brave"]);
    const plugins = { "@openclaw/brave-plugin": "2026.9.6", "@x/mine": "1.0.0" };
    expect(found({ config: { plugins: { entries } }, plugins })).toEqual([]);
  });

  it.each([
    [
      "a channel with a typing error",
      { channels: { discrod: {} } },
      "ops.config.channels.discrod",
      "did you mean discord?",
    ],
    ["another channel", { channels: { carrierpigeon: {} } }, "ops.config.channels.carrierpigeon", "`plugins`"],
    [
      "a plugin",
      { plugins: { entries: { wurst: { enabled: true } } } },
      "ops.config.plugins.entries.wurst: is no plugin that OpenClaw brings along",
      "`plugins`",
    ],
    [
      "one of OpenClaw's own that is a package of its own",
      { plugins: { entries: { brave: { enabled: true } } } },
      "ops.config.plugins.entries.brave: is no plugin that OpenClaw brings along",
      'name its package in `plugins`: plugins: { "@openclaw/brave-plugin": "2026.9.6" }',
    ],
  ])("an unknown channel or plugin is refused in preview: %s", (_, config, path, advice) => {
    const [problem, ...more] = said({ config });
    expect(more).toEqual([]);
    expect(problem).toContain(path);
    expect(problem).toContain(advice);
  });

  it.each([
    [
      "it is disabled",
      { channels: { mine: { enabled: false } }, plugins: { entries: { mine: { enabled: false } } } },
      {},
    ],
    [
      "plugins are loaded from a directory",
      { channels: { mine: {} }, plugins: { load: { paths: ["/srv/mine"] } } },
      {},
    ],
    ["packages are named that may have it", { channels: { mine: {} } }, { "@scope/mine": "1.0.0" }],
  ])("an unknown channel or plugin is not refused where %s", (_, config, plugins) => {
    expect(said({ config, plugins })).toEqual([]);
  });

  it("an unknown plugin is left to a container's image, unless it looks like a typo", () => {
    expect(said({ config: { channels: { carrierpigeon: {} } } }, true)).toEqual([]);
    expect(said({ config: { channels: { discrod: {} } } }, true)).toHaveLength(1);
  });
});

describe("a configuration without its channels' plugins", () => {
  const { channels, plugins } = withoutChannelPlugins({
    channels: { telegram: { a: 1 }, discord: { b: 2 }, mine: {} },
    plugins: { allow: ["x"], entries: { browser: { enabled: true }, discord: { enabled: true } } },
  }) as Record<string, Record<string, Record<string, unknown>>>;

  it("a configuration without its plugins keeps what needs none", () => {
    expect(channels?.telegram).toEqual({ a: 1 });
    expect(plugins).toMatchObject({ allow: ["x"], entries: { browser: { enabled: true } } });
  });

  it("a configuration without its plugins disables each, also one that only a variable enables", () => {
    const off = { enabled: false };
    expect(channels).toMatchObject({ discord: off, mine: off });
    expect(plugins?.entries).toMatchObject({ discord: off, mine: off, slack: off, "openclaw-qqbot": off });
  });
});

describe("plugins in a release", () => {
  let release: string;
  beforeEach(() => void (release = mkdtempSync(join(tmpdir(), "release-"))));
  afterEach(() => rmSync(release, { recursive: true }));

  const write = (path: string, text: string): void => {
    mkdirSync(join(release, "node_modules", path, ".."), { recursive: true });
    writeFileSync(join(release, "node_modules", path), text);
  };
  const lockOf = (plugins: Record<string, string>): string =>
    pack(JSON.stringify({ packages: { "": JSON.parse(manifestFor(VERSION, plugins)) as object } }));
  const place = (plugins: Record<string, string>): void => placePlugins(release, lockOf(plugins));

  it("plugins of a release are read from its package lock", () => {
    expect(lockedPlugins(lockOf({ "@scope/b": "1.0.0" }))).toEqual({ "@scope/b": "1.0.0" });
    expect(lockedPlugins(lockOf({}))).toEqual({});
  });

  it("plugins are installed where OpenClaw has its own, and their bundled packages are not", () => {
    write("@scope/b/openclaw.plugin.json", '{ "id": "b" }');
    write("@scope/b/node_modules/below/index.js", "of the bundle");
    place({ "@scope/b": "1.0.0" });
    const placed = join(release, "node_modules/openclaw/dist/extensions/b");
    expect(readFileSync(join(placed, "openclaw.plugin.json"), "utf8")).toContain("b");
    // Node.js looks where the file really is.
    const below = join(placed, "node_modules/below/index.js");
    expect(readFileSync(below, "utf8")).toBe("of the bundle");
    expect(require.resolve(below)).toBe(join(release, "node_modules/@scope/b/node_modules/below/index.js"));
  });

  it.each([
    ["that say nothing of themselves", undefined],
    ["that would lie elsewhere", '{ "id": "../../b" }'],
    ["that OpenClaw has already", '{ "id": "telegram" }'],
  ])("plugins in a release are refused %s", (_, manifest) => {
    write("openclaw/dist/extensions/telegram/openclaw.plugin.json", "{}");
    write("b/package.json", "{}");
    if (manifest !== undefined) write("b/openclaw.plugin.json", manifest);
    expect(() => place({ b: "1.0.0" })).toThrow(/remove it from `plugins`/);
  });
});
