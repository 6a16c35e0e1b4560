/** The packages of a version are decided once: whatever a registry says later, every release is the same or none. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { packageLockName } from "../../deployer/packageLock";
import type { PackageLockRequest } from "../../model/requests";
import { packageLockId, openclawIn, unpack } from "../../model/packageLock";
import { Registry } from "../lab/registry";
import { askForLock } from "../support/packageLocks";
import { ok, TestHost, type Outcome } from "../support/hosts";

const VERSION = "2026.9.300";
const PORT = 23700;

let registry: Registry;
let cache: string;
let first: string;

beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), "lock-cache-"));
  registry = await Registry.start("127.0.0.1");
  publish("the one");
  leaf("1.0.0", "the first");
  extras("the first");
  first = ok(await lock()).stdout.trim();
});
afterAll(async () => {
  await registry?.stop();
  rmSync(cache, { recursive: true });
});

const publish = (content: string): void =>
  registry.publish(
    {
      name: "openclaw",
      version: VERSION,
      dependencies: { "openclaw-leaf": "^1.0.0" },
      optionalDependencies: { "openclaw-extra": "^1.0.0", "openclaw-mac": "^1.0.0" },
    },
    { "content.txt": content },
  );
const leaf = (version: string, content: string, isHashed = true): void =>
  registry.publish({ name: "openclaw-leaf", version }, { "leaf.txt": content }, isHashed);

const lock = (request: Partial<PackageLockRequest> = {}): Promise<Outcome> =>
  askForLock({ version: VERSION, registry: registry.url, ...request }, { XDG_CACHE_HOME: cache });

/** Optional, and one of them not for Linux. */
function extras(content: string): void {
  registry.publish({ name: "openclaw-extra", version: "1.0.0" }, { "extra.txt": content });
  registry.publish({ name: "openclaw-mac", version: "1.0.0", os: ["darwin"] }, { "mac.txt": content });
}

/** As on a deployer that has not met this version. */
function forget(): void {
  const name = join(cache, "pulumi-openclaw/push", packageLockName({ version: VERSION, registry: registry.url }));
  for (const file of [name, `${name}.sha256`]) rmSync(file);
}

describe("on a host", () => {
  let host: TestHost;
  beforeAll(async () => {
    host = new TestHost();
    ok(await host.run("setup", [], { ...host.layout, registry: registry.url }));
  });
  afterAll(() => host?.dispose());

  const profiles = ["ops", "spare", "false", "below", "extra", "bytes", "plugins", "no-plugin"];

  /** Up to its release, which it never runs. */
  async function install(profile: string, packages: string): Promise<Outcome> {
    // As on a host of its own: npm has what it fetched once.
    vi.stubEnv("npm_config_cache", join(cache, profile));
    vi.stubEnv("npm_config_fetch_retries", "0");
    const basePort = PORT + 200 * profiles.indexOf(profile);
    const { claim } = host.describe({ profile, basePort, version: VERSION });
    ok(await host.run("claim", [profile], claim));
    expect(await host.stageLock(profile, claim, VERSION, packages)).toBe(packageLockId(packages));
    return host.run("prepare", [profile, VERSION, packageLockId(packages)]);
  }
  const releases = (profile: string): string[] =>
    readdirSync(join(host.dir(profile), "releases")).filter((name) => /^\d.*\d$|^\d.*-/.test(name));
  const installed = (profile: string, path: string, release = VERSION): string =>
    readFileSync(join(host.dir(profile), "releases", release, "node_modules", path), "utf8");

  it("gateways of one version get the same packages, whatever was published in between", async () => {
    expect(unpack(first)).not.toContain(registry.url);
    ok(await install("ops", first));
    leaf("1.1.0", "a newer one");
    ok(await install("spare", first));
    for (const profile of ["ops", "spare"]) {
      expect(installed(profile, "openclaw/content.txt")).toBe("the one");
      expect(installed(profile, "openclaw-leaf/leaf.txt")).toBe("the first");
      expect(installed(profile, "openclaw-extra/extra.txt")).toBe("the first");
    }
    // Another stack of this deployer's.
    expect(ok(await lock()).stdout.trim()).toBe(first);
  });

  it("packages that are locked again are installed beside the running release", async () => {
    forget();
    const packages = ok(await lock()).stdout.trim();
    ok(await install("ops", packages));
    const release = `${VERSION}-${packageLockId(packages)}`;
    expect(releases("ops").sort()).toEqual([VERSION, release]);
    expect(installed("ops", "openclaw-leaf/leaf.txt")).toBe("the first");
    expect(installed("ops", "openclaw-leaf/leaf.txt", release)).toBe("a newer one");
  });

  const PLUGIN = "@openclaw-test/words";
  const pluginOf = (manifest: string): void =>
    registry.publish(
      { name: PLUGIN, version: "1.0.0", dependencies: { "openclaw-leaf": "1.0.0" } },
      { "openclaw.plugin.json": manifest, "words.txt": "of the plugin" },
    );

  it("plugins are locked with OpenClaw, and installed where it has its own", async () => {
    pluginOf('{ "id": "words" }');
    const packages = ok(await lock({ plugins: { [PLUGIN]: "1.0.0" } })).stdout.trim();
    ok(await install("plugins", packages));
    expect(installed("plugins", "openclaw/dist/extensions/words/words.txt")).toBe("of the plugin");
    expect(installed("plugins", "openclaw-leaf/leaf.txt")).toBe("the first");
    expect(ok(await lock()).stdout.trim()).not.toBe(packages);
  });

  it.each([
    [
      "of a version that there is not",
      { [PLUGIN]: "2.0.0" },
      /npm could not find openclaw@\S+ and @openclaw-test\/words@2\.0\.0/,
    ],
  ])("the deployer refuses plugins %s", async (_, plugins, words) => {
    expect((await lock({ plugins })).stderr).toMatch(words);
  });

  it("a package that is not a plugin is refused, and nothing of it is installed", async () => {
    const packages = ok(await lock({ plugins: { "openclaw-leaf": "1.0.0" } })).stdout.trim();
    const { code, stderr } = await install("no-plugin", packages);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the package openclaw-leaf is no plugin of OpenClaw[^]*-> remove it from `plugins`/);
    expect(releases("no-plugin")).toEqual([]);
  });

  it("nothing is installed without its package lock", async () => {
    const { code, stderr } = await host.run("prepare", ["ops", VERSION, "0123456789abcdef"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the lock of openclaw@2026\.9\.300 .* is not on this host; nothing was changed\n +-> send it again/,
    );
    expect(releases("ops")).not.toContain(`${VERSION}-0123456789abcdef`);
  });

  it.each([
    ["OpenClaw", "false", () => publish("a false one")],
    ["a package below it", "below", () => leaf("1.0.0", "a false one")],
    ["an optional package", "extra", () => extras("a false one")],
    [
      "something with the right description",
      "bytes",
      () => registry.spoil({ name: "openclaw-leaf", version: "1.0.0" }, Buffer.from("false")),
    ],
  ])("nothing but the locked packages is installed: %s was put in their place", async (what, profile, replace) => {
    replace();
    const { code, stderr } = await install(profile, first);
    publish("the one");
    leaf("1.0.0", "the first");
    extras("the first");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      what === "an optional package"
        ? /npm left out packages of openclaw@2026\.9\.300: openclaw-extra\n +-> use another registry: this one does not have them/
        : /EINTEGRITY[^]*-> do not use this registry, and tell its operator: it serves a package that differs from the one that was locked/,
    );
    expect(releases(profile)).toEqual([]);
  });
});

describe("the deployer", () => {
  it("the deployer refuses a package with another hash than the known one, and keeps nothing of it", async () => {
    const integrity = openclawIn(first)!.integrity!;
    publish("a false one");
    forget();
    ok(await lock()); // nobody knew
    const { code, stderr } = await lock({ integrity });
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not match `integrity`: it is sha512-\S+, not sha512-/);
    publish("the one");
    const right = ok(await lock({ integrity })).stdout.trim();
    expect(unpack(right)).toContain(integrity);
  });

  it("the deployer locks no package without a sha512", async () => {
    leaf("1.2.0", "as in 2016", false);
    forget();
    const { code, stderr } = await lock();
    expect(code).toBe(1);
    expect(stderr).toContain(`openclaw@${VERSION} needs packages that have no sha512: openclaw-leaf`);
  });

  it("the deployer reports a version that no registry has", async () => {
    const { code, stderr } = await lock({ version: "2026.9.301" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm could not find openclaw@2026\.9\.301[^]*-> check that this machine can reach/);
  });
});
