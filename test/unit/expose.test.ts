/** Ways in: what OpenClaw is told, what is refused, and what is said. */
import { expect, describe, it } from "vitest";
import { exposedOn, exposeProblems, exposeWarnings, type Expose } from "../../components/rules/expose";
import { checkIsolation } from "../../components/rules/isolation";
import { resolveGateway } from "../../components/rules/resolve";
import { schemaOf } from "../../components/openclawSchema";
import { schemaProblems } from "../../components/rules/config/schema";
import type { JsonObject } from "../../model/spec";
import { inContainer, layout, resolved } from "./gateways";

const VERSION = "2026.9.6";
const PROXY = { allowedOrigins: ["https://claw.example.org"] };
const SIGN_IN = { ...PROXY, userHeader: "X-Forwarded-User", allowUsers: ["you@example.org"] };
const config = (expose: Expose, place = layout as Parameters<typeof resolved>[2]) =>
  resolved("ops", { basePort: 20789, expose }, place).config as { gateway: Record<string, unknown> };
const said = (args: object): string[] =>
  resolveGateway("ops", { version: VERSION, basePort: 20789, ...args }, layout).problems.map(
    ({ path, reason }) => `${path}: ${reason}`,
  );

describe("what OpenClaw is told", () => {
  it("without expose, OpenClaw's configuration has no new keys", () => {
    expect(config({})).toEqual(resolved("ops", { basePort: 20789 }).config);
    expect(config({}).gateway).toMatchObject({ bind: "loopback", auth: { mode: "token" } });
  });

  it.each([
    [{ lan: {} }, { bind: "lan" }, []],
    [
      { lan: { address: "192.168.1.5" } },
      { bind: "custom", customBindHost: "192.168.1.5" },
      ["http://192.168.1.5:20789"],
    ],
    [
      { lan: { address: "192.168.1.5", allowedOrigins: ["https://claw.lan:1"] }, tls: {} },
      { bind: "custom", tls: { enabled: true, autoGenerate: true } },
      ["https://192.168.1.5:20789", "https://claw.lan:1"],
    ],
    [{ proxy: PROXY }, { bind: "loopback", trustedProxies: ["127.0.0.1", "::1"] }, ["https://claw.example.org"]],
  ])("expose %j becomes OpenClaw's configuration", (expose, expected, origins) => {
    const { gateway } = config(expose);
    expect(gateway).toMatchObject({
      ...expected,
      auth: { mode: "token", rateLimit: { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 } },
    });
    const scheme = "tls" in expose ? "https" : "http";
    expect((gateway["controlUi"] as { allowedOrigins: string[] }).allowedOrigins).toEqual([
      `${scheme}://127.0.0.1:20789`,
      `${scheme}://localhost:20789`,
      ...origins,
    ]);
  });

  it("a gateway on the tailnet listens on loopback, and requires its token there, too", () => {
    expect(config({ tailscale: "serve" }).gateway).toMatchObject({
      bind: "loopback",
      tailscale: { mode: "serve" },
      auth: { mode: "token", allowTailscale: false },
    });
    expect(said({ expose: { tailscale: "serve" }, config: { gateway: { auth: { allowTailscale: true } } } })).toEqual(
      [],
    );
  });

  it("behind a proxy that signs people in, the token is a password", () => {
    const { auth } = config({ proxy: SIGN_IN }).gateway;
    expect(auth).toMatchObject({
      mode: "trusted-proxy",
      password: { source: "file", provider: "pulumi-openclaw", id: "/OPENCLAW_GATEWAY_PASSWORD" },
      trustedProxy: { userHeader: "X-Forwarded-User", allowUsers: ["you@example.org"], allowLoopback: true },
    });
    expect(auth).not.toHaveProperty("token");
    const everybody = { ...SIGN_IN, allowUsers: ["*"], trustedProxies: ["10.0.0.5"] };
    expect(config({ lan: {}, proxy: everybody }).gateway["auth"]).toMatchObject({
      trustedProxy: { userHeader: "X-Forwarded-User" },
    });
    expect(config({ lan: {}, proxy: everybody }).gateway["auth"]).not.toHaveProperty("trustedProxy.allowUsers");
    expect(config({ lan: {}, proxy: everybody }).gateway["auth"]).not.toHaveProperty("trustedProxy.allowLoopback");
  });

  it("in a container the password is in a file", () => {
    const proxy = { ...SIGN_IN, trustedProxies: ["172.20.0.0/16"] };
    const inside = inContainer("ops", { basePort: 21000, expose: { proxy } }).config;
    expect(inside).toMatchObject({
      gateway: { auth: { mode: "trusted-proxy", password: { source: "file", provider: "openclaw_gateway_password" } } },
      secrets: {
        providers: { openclaw_gateway_password: { path: "/etc/openclaw-secrets/OPENCLAW_GATEWAY_PASSWORD" } },
      },
    });
    expect(inside).not.toHaveProperty("secrets.providers.openclaw_gateway_token");
  });

  it("with a custom certificate OpenClaw generates none", () => {
    const tls = { certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" };
    expect(config({ tls }).gateway["tls"]).toEqual({
      enabled: true,
      autoGenerate: false,
      certPath: "/etc/ssl/claw.pem",
      keyPath: "/etc/ssl/claw.key",
    });
    expect(resolved("ops", { basePort: 20789, expose: { tls } }).url).toBe("https://127.0.0.1:20789");
  });

  it.each<Expose>([
    { lan: { address: "192.168.1.5" }, tls: {} },
    { tailscale: "serve" },
    { lan: {}, proxy: { ...SIGN_IN, trustedProxies: ["10.0.0.0/24"], requiredHeaders: ["X-Forwarded-Proto"] } },
    { tls: { certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" } },
  ])("OpenClaw's schema takes %j", (expose) => {
    expect(schemaProblems(config(expose) as never, schemaOf(VERSION)!, VERSION, "config")).toEqual([]);
  });
});

describe("what does not fit together", () => {
  const onHost = { isContainer: false, isRescue: false };
  const inside = { isContainer: true, isRescue: false };
  const paths = (expose: Expose, where: Parameters<typeof exposeProblems>[2] = onHost): string[] =>
    exposeProblems(expose, "expose", where).map(({ path, reason }) => `${path}: ${reason}`);

  it.each<[Expose, string]>([
    [{ tailscale: "serve", lan: {} }, "expose.lan: does not go together with tailscale"],
    [{ tailscale: "serve", tls: {} }, "expose.tls: does not go together with tailscale"],
    [{ tailscale: "serve", proxy: PROXY }, "expose.proxy: does not go together with tailscale"],
    [{ lan: { address: "203.0.113.7" } }, "expose.lan.address: 203.0.113.7 is a public address"],
    // The proxy's door is not the only one.
    [
      { lan: { address: "203.0.113.7" }, proxy: { ...PROXY, trustedProxies: ["10.0.0.5"] } },
      "expose.lan.address: 203.0.113.7 is a public address",
    ],
    [{ proxy: { ...PROXY, trustedProxies: ["10.0.0.5"] } }, "expose.proxy.trustedProxies: names a proxy on another"],
  ])("%j: %s", (expose, expected) => {
    const [problem, ...more] = paths(expose);
    expect(problem).toContain(expected);
    expect(more).toEqual([]);
  });

  it.each<Expose>([
    { lan: { address: "203.0.113.7" }, tls: {} },
    { lan: { address: "203.0.113.7" }, tls: {}, proxy: { ...PROXY, trustedProxies: ["10.0.0.5"] } },
    { lan: { address: "100.64.0.7" } },
    { proxy: SIGN_IN },
  ])("expose %j is accepted", (expose) => {
    expect(paths(expose)).toEqual([]);
  });

  it("a proxy on rescue's own machine must not identify operators: main's bot could pose as one", () => {
    const rescue = { isContainer: false, isRescue: true };
    expect(paths({ proxy: SIGN_IN }, rescue)).toEqual([expect.stringContaining("expose.proxy.userHeader: lets every")]);
    for (const networks of ["127.0.0.0/8", "0.0.0.0/1", "::/1", "::1"])
      expect(paths({ lan: {}, proxy: { ...SIGN_IN, trustedProxies: [networks] } }, rescue), networks).toHaveLength(1);
    expect(paths({ proxy: PROXY }, rescue)).toEqual([]);
    expect(paths({ lan: {}, proxy: { ...SIGN_IN, trustedProxies: ["10.0.0.5"] } }, rescue)).toEqual([]);
  });

  it("a proxy on the machine of rescue's container must not identify operators: any program there could pose as one", () => {
    const proxied = (address: string) => ({ proxy: { ...SIGN_IN, trustedProxies: [address] } });
    for (const address of ["172.18.0.1", "172.18.0.0/16"]) {
      expect(paths(proxied(address), { isContainer: true, isRescue: true }), address).toEqual([
        expect.stringContaining("expose.proxy.trustedProxies: may be the engine's machine"),
      ]);
      expect(paths(proxied(address), { isContainer: true, isRescue: false })).toEqual([]);
      expect(exposeWarnings(proxied(address), "main.expose", { isContainer: true, config: {} }).join()).toContain(
        "program on the engine's machine",
      );
    }
    expect(paths(proxied("172.18.0.5"), { isContainer: true, isRescue: true })).toEqual([]);
    expect(paths({ proxy: SIGN_IN }, { isContainer: true, isRescue: true })).toHaveLength(1);
    expect(exposeWarnings(proxied("172.18.0.5"), "main.expose", { isContainer: true, config: {} })).toEqual([]);
  });

  it.each<[Expose, string]>([
    [{ tailscale: "serve" }, "expose.tailscale: cannot be used in a container"],
    [{ proxy: PROXY }, "expose.proxy.trustedProxies: must name the proxy as the container sees it"],
  ])("in a container, %j: %s", (expose, expected) => {
    expect(paths(expose, { isContainer: true, isRescue: false })).toEqual([expect.stringContaining(expected)]);
  });

  it("a container reads the certificate that is mounted there", () => {
    const tls = { certFile: "/certs/claw.pem", keyFile: "/keys/claw.key" };
    const found = (...targets: string[]) =>
      paths({ tls }, { ...inside, mounts: targets.map((target) => ({ source: "/srv/tls", target })) });
    expect(found("/certs", "/keys/claw.key")).toEqual([]);
    expect(found("/certs")).toEqual([
      "expose.tls.keyFile: /keys/claw.key is in none of the gateway's mounts: a container sees no other file of the engine's machine",
    ]);
    expect(found("/cert")).toHaveLength(2);
    expect(paths({ tls: {} }, inside)).toEqual([]);
    expect(paths({ tls })).toEqual([]);
  });

  it("an engine knows which addresses are its machine's", () => {
    const machine = { addresses: ["127.0.0.1", "192.168.1.5"], inNetworks: ["172.18.0.254"] };
    const found = (expose: Expose, isRescue: boolean, seen = machine) =>
      exposedOn(seen, inContainer("ops", { basePort: 21000, expose }), isRescue);
    for (const address of ["172.18.0.254", "192.168.1.5"]) {
      const proxied = { proxy: { ...SIGN_IN, trustedProxies: ["10.0.0.9", address] } };
      expect(found(proxied, true)).toMatchObject({
        obstacles: [
          { property: "expose.proxy.trustedProxies", reason: expect.stringContaining(`${address} is the`) as string },
        ],
        warnings: [],
      });
      expect(found(proxied, false)).toMatchObject({
        obstacles: [],
        warnings: [expect.stringContaining(`can pose as one of its users: ${address} is`) as string],
      });
    }
    const nothing = { obstacles: [], warnings: [] };
    expect(found({ proxy: { ...SIGN_IN, trustedProxies: ["172.18.0.5"] } }, true)).toEqual(nothing);
    // That is refused already, or is nobody's who could pose.
    expect(found({ proxy: { ...SIGN_IN, trustedProxies: ["172.18.0.1"] } }, true)).toEqual(nothing);
    expect(found({ proxy: { ...PROXY, trustedProxies: ["172.18.0.254"] } }, true)).toEqual(nothing);
    expect(found({}, true)).toEqual(nothing);
  });

  it("every address of an engine's machine is a public one, too", () => {
    const found = (expose: Expose, ...addresses: string[]) =>
      exposedOn({ addresses, inNetworks: [] }, inContainer("ops", { basePort: 21000, expose }), false).obstacles;
    expect(found({ lan: {} }, "127.0.0.1", "203.0.113.7")).toMatchObject([{ property: "expose.lan" }]);
    for (const expose of [{ lan: {}, tls: {} }, { lan: { address: "192.168.1.5" } }, {}])
      expect(found(expose, "192.168.1.5", "203.0.113.7")).toEqual([]);
    expect(found({ lan: {} })).toEqual([]);
    expect(found({ lan: {} }, "127.0.0.1", "192.168.1.5")).toEqual([]);
  });

  it.each([
    [{ lan: { address: "127.0.0.1" } }, "ops.expose.lan.address: is loopback"],
    [{ lan: { address: "fe80::1" } }, "ops.expose.lan.address: must be an IPv4 address"],
    [{ lan: { allowedOrigins: ["https://claw.lan/ui"] } }, "ops.expose.lan.allowedOrigins.0: must be an origin"],
    [{ tailscale: "funnel" }, "ops.expose.tailscale: "],
    [{ proxy: {} }, "ops.expose.proxy.allowedOrigins: "],
    [{ proxy: { ...PROXY, trustedProxies: ["0.0.0.0/0"] } }, "would trust every machine"],
    [{ proxy: { ...PROXY, trustedProxies: ["claw.lan"] } }, "must be an IP address or a network"],
    [{ proxy: { ...PROXY, trustedProxies: ["10.0.0.0/33"] } }, "must be an IP address or a network"],
    [{ proxy: { ...PROXY, userHeader: "X-User" } }, "ops.expose.proxy.allowUsers: is required with userHeader"],
    [{ proxy: { ...PROXY, allowUsers: ["me"] } }, "ops.expose.proxy.allowUsers: needs userHeader"],
    [{ proxy: { ...SIGN_IN, allowUsers: ["*", "me"] } }, 'ops.expose.proxy.allowUsers: admits everybody with "*"'],
    [{ proxy: { ...SIGN_IN, userHeader: "X User" } }, "must be the name of an HTTP header"],
    [{ tls: { certFile: "/etc/ssl/claw.pem" } }, "ops.expose.tls.keyFile: is required"],
    [{ lann: {} }, "ops.expose.lann: is not a known argument"],
  ])("%j: %s", (expose, expected) => {
    expect(said({ expose }).join("\n")).toContain(expected);
  });

  it("only one gateway of a machine can have its tailnet name's port 443", () => {
    const [one, two] = ["one", "two"].map((profile, index) =>
      resolved(profile, { profile, basePort: 20789 + 200 * index, expose: { tailscale: "serve" } }),
    );
    expect(checkIsolation([one!, two!]).map(({ path }) => path)).toEqual(["two.expose.tailscale"]);
    expect(checkIsolation([one!])).toEqual([]);
  });

  it("a proxy's networks come from the argument where it is used, and otherwise from config", () => {
    const trusting = { config: { gateway: { trustedProxies: ["10.0.0.9"] } } };
    expect(said(trusting)).toEqual([]);
    expect(said({ ...trusting, expose: { proxy: PROXY } }).join()).toContain("is set by the argument expose.proxy");
  });
});

it("allowed but risky exposure gives a warning", () => {
  const warnings = (expose: Expose, isContainer = false): string[] =>
    exposeWarnings(expose, "main.expose", { isContainer, config: {} });
  expect(warnings({ lan: {} }).join()).toContain("can read the token as it passes. Add main.expose.tls");
  expect(warnings({ lan: {} }, true)).toHaveLength(1);
  expect(warnings({ lan: {}, proxy: { ...PROXY, trustedProxies: ["10.0.0.5"] } })).toHaveLength(1);
  expect(warnings({ lan: {}, tls: {} })).toEqual([]);
  expect(warnings({ proxy: SIGN_IN }).join()).toContain("can pose as one of its users");
  expect(warnings({ proxy: PROXY })).toEqual([]);
  expect(warnings({ tailscale: "serve" })).toEqual([]);
  const admitting = { gateway: { auth: { allowTailscale: true } } };
  expect(
    exposeWarnings({ tailscale: "serve" }, "main.expose", { isContainer: false, config: admitting }).join(),
  ).toContain("can pose as somebody on the tailnet");
  expect(exposeWarnings({ lan: {}, tls: {} }, "main.expose", { isContainer: false, config: admitting })).toEqual([]);
});

it.each<[string, Expose, object, number]>([
  ["any origin, on the network", { lan: {}, tls: {} }, { allowedOrigins: ["https://x", "*"] }, 1],
  ["any origin, behind a proxy", { proxy: PROXY }, { allowedOrigins: ["*"] }, 1],
  ["the Host header's", { proxy: PROXY }, { dangerouslyAllowHostHeaderOriginFallback: true }, 1],
  ["its own", { lan: {}, tls: {} }, { allowedOrigins: ["https://x"] }, 0],
])("an open door in config is said: %s", (_, expose, controlUi, count) => {
  const config = { gateway: { controlUi } } as JsonObject;
  const warnings = exposeWarnings(expose, "main.expose", { isContainer: false, config });
  expect(warnings.filter((each) => /^main\.config\.gateway\.controlUi\..*any web page/.test(each))).toHaveLength(count);
});
