/** Hosts that have nothing of what a gateway needs: no Node.js, npm, curl or wget, and no way out but to one registry. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { TestStack } from "../support/engine";
import { ok, type Outcome } from "../support/processes";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { BRIDGE_ADDRESS } from "./network";
import { STAND_IN_VERSION } from "./registry";

const APT_HELPER = "/usr/lib/apt/apt-helper";

inLab("a bare host", () => {
  let lab: Lab;
  let bookworm: Host;
  let trixie: Host;
  const servers: Server[] = [];
  beforeAll(async () => {
    lab = await Lab.start();
    [bookworm, trixie] = await Promise.all([lab.host({ debian: "bookworm" }), lab.host({ debian: "trixie" })]);
  });
  afterAll(async () => {
    for (const server of servers) server.close().closeAllConnections();
    await lab?.stop();
  });

  /** Another registry that hosts reach. */
  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen({ host: BRIDGE_ADDRESS, port: 0 }, resolve));
    return `http://${BRIDGE_ADDRESS}:${(server.address() as AddressInfo).port}`;
  }

  /** Runs the bootstrap as the plain user, who needs no right for it. */
  async function bootstrap(host: Host, registry: string): Promise<Outcome & { seconds: number }> {
    const manage = `/home/${host.user}/.pulumi-openclaw`;
    const { script } = renderBootstrap({
      root: `/home/${host.user}`,
      binDir: "/tmp",
      account: null,
      registry,
      supervisor: "process",
    });
    const started = Date.now();
    const outcome = await host.run(`sh -s -- ${manage}`, { user: host.user, input: script });
    return { ...outcome, seconds: (Date.now() - started) / 1000 };
  }
  const left = async (host: Host): Promise<string> =>
    (await host.run(`ls -A /home/${host.user}`, { user: host.user })).stdout;
  const clear = async (host: Host): Promise<void> =>
    void ok(await host.run(`rm -rf /home/${host.user}/.pulumi-openclaw`));

  it("a bare host gets Node.js and npm with apt's downloader", async () => {
    for (const host of [bookworm, trixie]) {
      const { seconds } = ok(await bootstrap(host, lab.registryUrl)) as Outcome & { seconds: number };
      console.log(`${host.name}: bootstrap ${seconds} s`);
      expect(ok(await host.run("~/.pulumi-openclaw/nodes/*/bin/node --version", { user: host.user })).stdout).toMatch(
        /^v24/,
      );
      await clear(host);
    }
  });

  it.skipIf(!hasBookwormPackages())(
    "a bare host gets Node.js and npm with curl alone, and with wget alone",
    async () => {
      const host = await lab.host({ debian: "bookworm" });
      for (const tool of ["curl", "wget"]) {
        await install(host, tool);
        ok(await host.run(`mv ${APT_HELPER} ${APT_HELPER}.away`));
        ok(await bootstrap(host, lab.registryUrl));
        expect((await host.run(`which ${tool} curl wget npm`)).stdout).toBe(`/usr/bin/${tool}\n/usr/bin/${tool}\n`);
        await clear(host);
        ok(await host.run(`mv ${APT_HELPER}.away ${APT_HELPER}; dpkg -P --force-depends ${tool}`));
      }
      await host.dispose();
    },
  );

  it("a download that is not the package is refused, and nothing of it is kept", async () => {
    const registry = await serve((_request, response) => void response.end("other bytes"));
    for (const host of [bookworm, trixie]) {
      const { code, stderr } = await bootstrap(host, registry);
      expect(code).toBe(1);
      expect(stderr).toContain("does not have the sha512 that this library expects");
      expect(stderr).toContain("-> do not use this registry");
      expect(await left(host)).not.toContain(".pulumi-openclaw");
    }
  });

  it("a registry that does not answer is given up, with advice", async () => {
    const registry = await serve(() => undefined);
    const refused = await bootstrap(bookworm, `http://${BRIDGE_ADDRESS}:1`);
    const silent = await bootstrap(bookworm, registry);
    expect(refused.seconds).toBeLessThan(15);
    expect(silent.seconds).toBeLessThan(60);
    for (const { code, stderr } of [refused, silent]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /could not download http.*\n +-> let it reach the registry, set `registry` to one that it can reach/,
      );
    }
    expect(refused.stderr).toContain("Could not connect");
    expect(await left(bookworm)).not.toContain(".pulumi-openclaw");
  });

  it("a host without a downloader is refused", async () => {
    ok(await trixie.run(`mv ${APT_HELPER} ${APT_HELPER}.away`));
    const { code, stderr } = await bootstrap(trixie, lab.registryUrl);
    ok(await trixie.run(`mv ${APT_HELPER}.away ${APT_HELPER}`));
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing on this machine can download http.*\n +-> install curl there/);
    expect(await left(trixie)).not.toContain(".pulumi-openclaw");
  });

  describe("whose system account deploys", () => {
    let stack: TestStack;
    const cache = mkdtempSync(join(tmpdir(), "lock-cache-"));
    beforeAll(async () => {
      stack = await TestStack.create();
      // The stand-in's lock is not for the user's cache.
      Object.assign(stack.env, { XDG_CACHE_HOME: cache, npm_config_registry: lab.registryUrl });
    });
    afterAll(() => {
      stack?.forget();
      rmSync(cache, { recursive: true });
    });

    const areHealthy = async (): Promise<void> => {
      for (const gateway of ["main", "rescue"]) ok(await bookworm.run(`openclaw-${gateway} gateway health`));
    };

    it("a pair comes up on a bare host from nothing but a registry", async () => {
      const started = Date.now();
      stack.configs({
        target: "ssh",
        version: STAND_IN_VERSION,
        registry: lab.registryUrl,
        "ssh.host": bookworm.address,
        "ssh.hostKey": bookworm.hostKey,
      });
      await stack.secretConfig("ssh.privateKey", lab.privateKey);
      ok(await stack.up());
      console.log(`first up by registry: ${(Date.now() - started) / 1000} s`);
      await areHealthy();
      ok(await stack.preview("--expect-no-changes"));
    });

    it("a preview shows what locking the release again would change", async () => {
      const { stdout } = ok(await stack.preview("--replace", `**openclaw-${STAND_IN_VERSION}-*`));
      for (const what of ["packages", "lock"])
        expect(stdout).toMatch(new RegExp(`\\+-.* openclaw-${STAND_IN_VERSION}-${what} replace`));
      for (const gateway of ["main", "rescue"])
        for (const what of ["lock", "deployment"])
          expect(stdout).toMatch(new RegExp(`~ .* openclaw-${gateway}-${what}@\\S+ update`));
    });

    it("up restores a pair that kept running after our directory was removed", async () => {
      const diary = "/var/lib/openclaw/.openclaw/workspace/diary.md";
      ok(await bookworm.run(`echo precious >${diary}; rm -r /var/lib/openclaw/.pulumi-openclaw`));
      const pids = "systemctl show -P MainPID openclaw-gateway openclaw-gateway-rescue";
      const orphans = ok(await bookworm.run(pids))
        .stdout.split("\n")
        .filter(Boolean);
      expect(orphans).not.toContain("0");
      const { stdout } = ok(await stack.preview());
      expect(stdout).toMatch(
        /ssh: main and rescue are deployed there, but what .*\.pulumi-openclaw recorded, .* is gone/,
      );
      expect(stdout).toMatch(/~ .*ssh-program@\S+ update/);
      ok(await stack.up());
      await areHealthy();
      const now = ok(await bookworm.run(pids)).stdout.split("\n");
      expect(now.filter((pid) => orphans.includes(pid))).toEqual([]);
      expect(ok(await bookworm.run(`cat ${diary}`)).stdout).toBe("precious\n");
      ok(await stack.preview("--expect-no-changes"));
    });
  });
});

/** Hosts reach no mirror: what is installed there comes from this machine's apt, which knows its own Debian only. */
const hasBookwormPackages = (): boolean => /^VERSION_CODENAME=bookworm$/m.test(readFileSync("/etc/os-release", "utf8"));

async function install(host: Host, name: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "debs-"));
  try {
    mkdirSync(join(directory, "partial"));
    const status = join(host.rootDirectory, "var/lib/dpkg/status");
    const places = [`Dir::State::status=${status}`, `Dir::Cache::archives=${directory}`, "Debug::NoLocking=1"];
    const flags = [
      "-y",
      "-qq",
      "--no-install-recommends",
      "--download-only",
      ...places.flatMap((place) => ["-o", place]),
    ];
    execFileSync("apt-get", ["install", ...flags, name], { stdio: "pipe" });
    const packages = readdirSync(directory).filter((file) => file.endsWith(".deb"));
    for (const file of packages) cpSync(join(directory, file), join(host.rootDirectory, "root", file));
    ok(await host.run(`dpkg -i ${packages.map((file) => `/root/${file}`).join(" ")}`));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
