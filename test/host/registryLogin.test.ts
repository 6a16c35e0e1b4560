/** A registry that wants a login: it reaches the registry, and nobody on the host but who deploys. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { npmrcFile } from "../../model/hostLayout";
import { finished, ok, temporaryRoot, TestHost } from "../support/hosts";

const LOGIN = "Basic " + Buffer.from("deployer:canary-of:password").toString("base64");
const canaries = ["canary-of", LOGIN.slice("Basic ".length)];
const asked: { path: string; login: string | undefined }[] = [];
let server: Server;
let registry: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push({ path: request.url!, login: request.headers.authorization });
    response.writeHead(404).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  registry = `http://deployer:canary-of%3Apassword@127.0.0.1:${(server.address() as AddressInfo).port}/npm`;
});
afterAll(() => server.close().closeAllConnections());

it.each(["curl", "wget"])("the bootstrap logs in with %s, which appears in no argument", async (tool) => {
  asked.length = 0;
  const root = temporaryRoot();
  try {
    const bin = join(root, "only");
    mkdirSync(bin);
    // Says what it was given.
    const real = execFileSync("which", [tool], { encoding: "utf8" }).trim();
    writeFileSync(join(bin, tool), `#!/bin/sh\necho "$@" >>${root}/arguments\nexec ${real} "$@"\n`);
    chmodSync(join(bin, tool), 0o755);
    for (const name of ["uname", "mkdir", "rm", "rmdir", "stat", "head", "sed", "basename", "cat", "readlink"])
      spawnSync("ln", ["-s", execFileSync("which", [name], { encoding: "utf8" }).trim(), join(bin, name)]);
    const { script } = renderBootstrap({ root, binDir: join(root, "bin"), account: null, registry });
    const child = spawn("/bin/sh", ["-s", "--", join(root, ".pulumi-openclaw")], { env: { PATH: bin }, stdio: "pipe" });
    child.stdin.end(script);
    const { code, stderr } = await finished(child);
    expect(code).toBe(1);
    expect(stderr).toContain("could not download http://127.0.0.1");
    expect(asked.length).toBeGreaterThan(0);
    for (const { login } of asked) expect(login).toBe(LOGIN);
    for (const canary of canaries) {
      expect(stderr).not.toContain(canary);
      expect(readFileSync(join(root, "arguments"), "utf8")).not.toContain(canary);
    }
    expect(existsSync(join(root, ".pulumi-openclaw"))).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});

it("the host's npm logs in, from a file that nobody else can read", async () => {
  asked.length = 0;
  const host = new TestHost();
  try {
    const { claim } = host.describe({ basePort: 23600 });
    const open = registry.replace(/\/\/.*@/, "//");
    const layout = { ...host.layout, registry: open };
    ok(await host.run("setup", [], { ...layout, registryLogin: LOGIN.slice("Basic ".length) }));
    ok(await host.run("claim", ["main"], claim));
    const { stderr } = await host.run("prepare", ["main", "2026.9.6"]);
    expect(stderr).toContain("npm could not install openclaw@2026.9.6");
    expect(asked).toContainEqual({ path: "/npm/openclaw", login: LOGIN });
    const npmrc = npmrcFile(host.manage);
    expect(statSync(npmrc).mode & 0o777).toBe(0o600);
    for (const canary of canaries)
      expect(spawnSync("grep", ["-rlF", canary, host.manage], { encoding: "utf8" }).stdout.trim()).toBe(
        canary === "canary-of" ? "" : npmrc,
      );
    ok(await host.run("setup", [], layout));
    expect(existsSync(npmrc)).toBe(false);
  } finally {
    await host.dispose();
  }
});
