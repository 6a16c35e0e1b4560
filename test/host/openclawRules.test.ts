/** What this package knows of OpenClaw by heart, asked of the real one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { adaptiveHeap } from "../../model/heap";
import { derivePorts, MAX_BASE_PORT, MIN_BASE_PORT } from "../../model/ports";
import { BUNDLED, CHANNEL_PLUGINS, OFFICIAL, OTHERS, OWN_PLUGINS, packageOf } from "../../model/plugins";
import { FORMER_KEYS, RETIRED_KEYS } from "../../components/rules/config/formerKeys";
import { schemaOf } from "../../components/openclawSchema";
import { SECRET_PLACES } from "../../components/rules/config/secretPlaces";
import { reduceSchema } from "../../toolchain/configSchema";
import { seedNode, seedRelease, VERSION } from "../support/seed";

/** OpenClaw's own arithmetic, asked of the installed package for many bases at once. */
function openclawPorts(
  bases: readonly number[],
): { controlPort: number; relay: number; first: number; last: number }[] {
  const dist = join(seedRelease, "node_modules", "openclaw", "dist");
  const file = readdirSync(dist)
    .filter((name) => name.endsWith(".mjs"))
    .find((name) => /export \{[^}]*\bresolveBrowserConfig,/.test(readFileSync(join(dist, name), "utf8")));
  if (file === undefined)
    throw new Error("the installed OpenClaw has no resolveBrowserConfig: look how it derives ports now");
  const program = `
    import { resolveBrowserConfig } from ${JSON.stringify(join(dist, file))};
    const rows = ${JSON.stringify(bases)}.map((port) => {
      process.env.OPENCLAW_GATEWAY_PORT = String(port);
      const config = { gateway: { port } };
      const found = resolveBrowserConfig(undefined, config);
      return { controlPort: found.controlPort, first: found.cdpPortRangeStart, last: found.cdpPortRangeEnd, keys: Object.keys(found) };
    });
    console.log(JSON.stringify(rows));`;
  return JSON.parse(
    execFileSync(seedNode, ["--input-type=module", "-e", program], { encoding: "utf8", maxBuffer: 1e8 }),
  ) as never;
}

describe("derived ports", () => {
  it("the derived ports are OpenClaw's own", () => {
    const bases = [MIN_BASE_PORT, 18789, 19789, 20000, MAX_BASE_PORT];
    for (let base = MIN_BASE_PORT; base < MAX_BASE_PORT; base += 997) bases.push(base);
    const theirs = openclawPorts(bases);
    bases.forEach((base, index) => {
      const { browserControl, cdp } = derivePorts(base);
      expect(theirs[index], `base ${base}`).toMatchObject({ controlPort: browserControl, ...cdp });
    });
  });

  it("derived ports differ from OpenClaw's just above our limit, so the limit is right", () => {
    const [above] = openclawPorts([MAX_BASE_PORT + 1]);
    expect(above).toMatchObject({ first: 18800, last: 18899 });
  });
});

it("the limit of the heap is what OpenClaw's own installer gives", () => {
  const dist = join(seedRelease, "node_modules", "openclaw", "dist");
  const file = readdirSync(dist).find((name) => /^gateway-heap-.*\.mjs$/.test(name));
  const text = file === undefined ? "" : readFileSync(join(dist, file), "utf8");
  const name = /inspectGatewayHeapLimit as (\w+)/.exec(text)?.[1];
  if (name === undefined) throw new Error("the installed OpenClaw has no inspectGatewayHeapLimit: look for its rule");
  const memories = [700, 1024, 1536, 2048, 2731, 3000, 4096, 5000, 8192, 16_384, 24_105, 32_768, 40_000, 131_072];
  const program = `
    import { ${name} as inspect } from ${JSON.stringify(join(dist, file!))};
    const heap = (constrainedMemoryBytes, physicalMemoryBytes) => inspect(undefined, { constrainedMemoryBytes, physicalMemoryBytes }).maxOldSpaceSizeMiB;
    console.log(JSON.stringify(${JSON.stringify(memories)}.flatMap((m) => [heap(0, m * 2 ** 20), heap(m * 2 ** 20, 2 ** 40)])));`;
  const theirs = execFileSync(seedNode, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(JSON.parse(theirs)).toEqual(memories.flatMap((memory) => [adaptiveHeap(memory), adaptiveHeap(memory)]));
});

describe("plugins", () => {
  const dist = join(seedRelease, "node_modules", "openclaw", "dist");

  it("the known plugins are OpenClaw's own and those of its catalog's channels", () => {
    interface Entry {
      readonly name: string;
      readonly openclaw: {
        readonly channel: { readonly id: string };
        readonly plugin?: { readonly id: string };
        readonly install: { readonly npmSpec: string };
      };
    }
    const { entries } = JSON.parse(readFileSync(join(dist, "channel-catalog.json"), "utf8")) as { entries: Entry[] };
    expect(BUNDLED).toEqual(readdirSync(join(dist, "extensions")).sort());
    expect(
      entries.map(({ name, openclaw: { channel, plugin, install } }) => [
        channel.id,
        { plugin: plugin?.id ?? channel.id, name, ...versionOf(install.npmSpec) },
      ]),
    ).toEqual(expect.arrayContaining([...OFFICIAL, ...Object.keys(OTHERS)].map((id) => [id, packageOf(id)])));
    expect(entries).toHaveLength(CHANNEL_PLUGINS.length);
  });

  it("the packages of OpenClaw's other plugins are in its catalogs", () => {
    const catalogs = readdirSync(dist)
      .filter((name) => /^official-external-(plugin-bundled-catalogs|provider-catalog)-.*\.mjs$/.test(name))
      .map((name) => readFileSync(join(dist, name), "utf8"))
      .join("\n");
    const found = [...catalogs.matchAll(/"plugin": \{\s*"id": "([^"]+)"[^]*?"npmSpec": "([^"]+)"/g)];
    const own = found.filter(([, , name]) => name!.startsWith("@openclaw/"));
    expect(OWN_PLUGINS).toEqual(Object.fromEntries(own.map(([, id, name]) => [id, name])));
  });
  const versionOf = (spec: string) => {
    const version = /.@(.*)$/.exec(spec)?.[1];
    return version === undefined ? {} : { version };
  };
});

it("the schema of the configuration is OpenClaw's own", () => {
  const home = mkdtempSync(join(tmpdir(), "openclaw-schema-"));
  try {
    const entry = join(seedRelease, "node_modules", "openclaw", "openclaw.mjs");
    const env = { HOME: home, OPENCLAW_STATE_DIR: home, PATH: process.env.PATH };
    const printed = execFileSync(seedNode, [entry, "config", "schema"], { env, encoding: "utf8", maxBuffer: 1e8 });
    expect(schemaOf(VERSION)).toEqual(reduceSchema(printed));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

it("the places of secrets are OpenClaw's own", () => {
  const matrix = "docs/reference/secretref-user-supplied-credentials-matrix.json";
  const text = readFileSync(join(seedRelease, "node_modules", "openclaw", matrix), "utf8");
  const { entries } = JSON.parse(text) as { entries: { path: string; configFile: string }[] };
  const own = entries
    .filter(({ configFile }) => configFile === "openclaw.json")
    .map(({ path }) => path.replace(/^(channels\.[^.]+)\.accounts\.\*/, "$1"));
  const taken = own.filter((path) => !path.startsWith("channels.irc.")); // its schema refuses them
  expect([...SECRET_PLACES].sort()).toEqual([...new Set(taken)].sort());
});

describe("keys of former versions", () => {
  const dist = join(seedRelease, "node_modules", "openclaw", "dist");
  const rules = readdirSync(dist)
    .filter((name) => /^(legacy|doctor-contract)-.*\.mjs$/.test(name))
    .flatMap((name) => [
      ...readFileSync(join(dist, name), "utf8").matchAll(/(?:message: |changes\.push\()"((?:[^"\\]|\\.)*)"/g),
    ])
    .map(([, message]) => message!.replaceAll('\\"', '"'));
  const saidOf = (former: string): string[] => rules.filter((rule) => rule.includes(former));

  it.each(Object.entries(FORMER_KEYS))("the former key %s is now %s", (former, now) =>
    expect(saidOf(former)).toContainEqual(expect.stringContaining(now)),
  );

  it.each(RETIRED_KEYS)("the former key %s has no successor", (former) =>
    expect(saidOf(former)).toContainEqual(expect.stringMatching(/retired|removed|ignored/i)),
  );
});
