/** Gateways that others reach: how they come up, are checked, and go on when what they need is not there. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkGateways } from "../../cli/check";
import { askGateway } from "../../inspect/ask";
import { placeRelease, VERSION } from "../support/seed";
import { ok, TestHost } from "../support/hosts";

const PORT = 23000;
const PROXY = { allowedOrigins: ["https://claw.example.org"], userHeader: "X-Forwarded-User", allowUsers: ["*"] };

describe("a gateway on its network, with HTTPS and a proxy that signs people in", () => {
  const host = new TestHost();
  const address = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)!.address;
  const up = (expose: object) => host.up("main", host.describe({ basePort: PORT, expose }));
  const everything = { lan: { address }, tls: {}, proxy: PROXY };
  beforeAll(() => placeRelease(host.root, "main"));
  afterAll(() => host.dispose());

  /** What its token is to its gateway, from the file that it is given; its command line knows it as well. */
  async function tokenIs(): Promise<string[]> {
    ok(await host.wrapper("main", ["gateway", "health", "--json"]));
    expect(readFileSync(`/proc/${host.gatewayPid("main")}/environ`, "utf8")).not.toContain("token-of-main");
    const { gateway } = JSON.parse(readFileSync(join(host.dir("main"), "current/openclaw.json"), "utf8")) as {
      gateway: { auth: Record<string, { source?: string } | string> };
    };
    return Object.entries(gateway.auth).flatMap(([key, value]) =>
      typeof value === "object" && value.source === "file" ? [key] : [],
    );
  }

  it("a gateway that becomes exposed has its token as a password", async () => {
    expect(ok(await up({})).stdout).toContain("now healthy");
    expect(await tokenIs()).toEqual(["token"]);
    expect(ok(await up(everything)).stdout).toContain("now healthy");
    expect(await tokenIs()).toEqual(["password"]);
  });

  it("an exposed gateway is left alone by the next apply, and tells little to whom it does not know", async () => {
    expect(ok(await up(everything)).stdout).toContain("already healthy");
    expect(await askGateway(PORT, "/startupz")).toMatchObject({ status: "started", version: VERSION });
    expect(await askGateway(PORT, "/startupz", { host: address })).toEqual({ ok: true, status: "started" });
  });

  it("the quick checks find an exposed gateway healthy", async () => {
    const wrapper = join(host.layout.binDir, "openclaw-main");
    const gateway = {
      ...{ name: "main", isOurs: true, url: `https://127.0.0.1:${PORT}`, port: PORT, version: VERSION },
      ...{ command: wrapper, wrapper, stateDir: join(host.root, ".openclaw") },
      configPath: host.describe({ basePort: PORT }).claim.configPath,
    };
    const { gateways, findings } = await checkGateways({ gateways: [gateway], neverUp: [] }, []);
    expect(findings.filter(({ level }) => level === "problem")).toEqual([]);
    expect(gateways).toMatchObject([{ service: `up, ${VERSION}`, probe: "1 reachable" }]);
  });

  it("an exposed gateway keeps running where a new certificate cannot be read or Tailscale is missing, with advice", async () => {
    const files = { certFile: join(host.root, "tls/cert.pem"), keyFile: join(host.root, "tls/key.pem") };
    const running = host.gatewayPid("main");
    const missing = await up({ tls: files });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(`expose.tls.certFile: there is no file ${files.certFile} on the host`);
    expect(missing.stderr).toContain("nothing was changed");
    mkdirSync(join(host.root, "tls"));
    for (const file of Object.values(files)) writeFileSync(file, "");
    chmodSync(files.keyFile, 0o600);
    expect((await up({ tls: files })).stderr).toMatch(
      /expose\.tls\.keyFile: the account \S+, which the gateway runs as, cannot read/,
    );
    expect((await up({ tailscale: "serve" })).stderr).toContain("needs tailscale, which is not installed on the host");
    const elsewhere = { lan: { address: "192.168.255.254" } };
    expect((await up(elsewhere)).stderr).toContain("192.168.255.254 is no address of the host, which has ");
    expect(host.gatewayPid("main")).toBe(running);
  });

  it("a gateway that is exposed no more has its token alone again", async () => {
    expect(ok(await up({})).stdout).toContain("now healthy");
    expect(await tokenIs()).toEqual(["token"]);
    expect(await askGateway(PORT, "/startupz", { host: address })).toBeUndefined();
  });
});
