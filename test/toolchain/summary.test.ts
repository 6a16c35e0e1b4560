import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { judge } from "../../inspect/health";
import { renderTable } from "../../cli/table";
import { duration } from "../../toolchain/steps";
import { gatewaysOf, shownHealth, howTo, keptBy, stackSummary } from "../../cli/summary";
import { type GatewayOutput } from "../../model/outputs";

const VERSION = "2026.9.6";
const started = { ok: true, status: "started", version: VERSION };
const ready = { ready: true, failing: [] };

const gateway = (changes: Partial<GatewayOutput> = {}): GatewayOutput => ({
  name: "main",
  profile: "default",
  url: "http://127.0.0.1:18789",
  basePort: 18789,
  portBlock: { first: 18789, last: 18899 },
  version: VERSION,
  wrapper: "/nowhere/openclaw-main",
  stateDir: "/nowhere/.openclaw",
  workspace: "/nowhere/.openclaw/workspace",
  configPath: "/nowhere/openclaw.json",
  serviceName: "openclaw-gateway",
  tokenOutput: "mainToken",
  ...changes,
});
const rescue = gateway({ name: "rescue", basePort: 19789, tokenOutput: "rescueToken" });

describe("a gateway's health by its own words", () => {
  test.each([
    [started, ready, "healthy"],
    ["refused", "refused", "down"],
    ["silent", "silent", "no answer in 3 s"],
    ["not JSON", "not JSON", "another program answers"],
    [{ hello: "world" }, ready, "another program answers"],
    [{ ok: false, status: "starting" }, { ready: false }, "starting"],
    [{ ok: true, status: "live" }, ready, "starting"],
    [{ ...started, version: "2026.9.5" }, ready, "wrong version 2026.9.5"],
    [started, { ready: false, failing: ["telegram"] }, "up, not ready: telegram"],
    [started, { ready: false, failing: ["telegram", "memory"] }, "up, not ready: telegram, memory"],
    [started, { ok: true }, "up, not ready"],
    [started, "silent", "up, not ready"],
  ] as const)("%j, %j: %s", (startup, readiness, expected) => {
    expect(judge(startup, readiness, VERSION)).toBe(expected);
  });
});

describe("a gateway's health, asked", () => {
  let server: Server | undefined;
  afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))));
  const serve = async (bodies: Record<string, string>): Promise<number> => {
    const listening = createServer(({ url = "" }, response) => response.end(bodies[url] ?? "<html>"));
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    return (listening.address() as AddressInfo).port;
  };

  test("a gateway is healthy, or has another version than expected", async () => {
    const basePort = await serve({ "/startupz": JSON.stringify(started), "/readyz": JSON.stringify(ready) });
    expect(await shownHealth(gateway({ basePort }))).toBe("healthy");
    expect(await shownHealth(gateway({ basePort, version: "2026.9.7" }))).toBe(`wrong version ${VERSION}`);
  });

  test("a server that answers everything with status 200 is not a gateway", async () => {
    expect(await shownHealth(gateway({ basePort: await serve({}) }))).toBe("another program answers");
  });

  test("a gateway is down where nothing listens", async () => {
    expect(await shownHealth(gateway({ basePort: 1 }))).toBe("down");
  });

  test("a gateway in a container tells its version only to holders of its token", async () => {
    const untold = { ok: true, status: "started" };
    const basePort = await serve({ "/startupz": JSON.stringify(untold), "/readyz": JSON.stringify(ready) });
    expect(await shownHealth(gateway({ basePort, docker: "docker" }))).toBe("healthy");
    expect(await shownHealth(gateway({ basePort }))).toBe("wrong version undefined");
  });

  test("the summary asks a container on its published address", async () => {
    const basePort = await serve({ "/startupz": JSON.stringify(started), "/readyz": JSON.stringify(ready) });
    expect(await shownHealth(gateway({ basePort, docker: "docker", url: `http://127.0.0.2:${basePort}` }))).toBe(
      "down",
    );
  });

  test("the summary does not ask a gateway on another host", async () => {
    expect(await shownHealth(gateway({ host: "box" }))).toBe("not asked (on box)");
  });
});

test("a table has columns as wide as their widest cell", () => {
  expect(
    renderTable([
      ["a", "bbb", "c"],
      ["aaaa", "b"],
    ]),
  ).toBe("a     bbb  c\naaaa  b");
  expect(renderTable([])).toBe("");
});

test("the summary names every gateway", async () => {
  const text = await stackSummary({ gateways: [gateway({ basePort: 1 })] }, undefined);
  expect(text).toMatch(/^GATEWAY +PROFILE +URL +PORTS +VERSION +HEALTH +COMMAND$/m);
  expect(text).toMatch(
    /^main +default +http:\/\/127\.0\.0\.1:18789 +18789-18899 +2026\.9\.6 +down +\/nowhere\/openclaw-main$/m,
  );
  expect(await stackSummary({ gateways: [] }, undefined)).toMatch(/^No gateway of this stack is up\. Run `make up`/);
});

test("the summary of a container: one port, and a command of several words", async () => {
  const wrapper = "docker exec openclaw-dev-openclaw-main openclaw";
  const contained = gateway({ basePort: 1, docker: "docker", wrapper, portBlock: { first: 18789, last: 18789 } });
  const text = await stackSummary({ gateways: [contained] }, undefined);
  expect(text).toMatch(
    new RegExp(`^main +default +http://127\\.0\\.0\\.1:18789 +18789 +2026\\.9\\.6 +down +${wrapper}$`, "m"),
  );
});

test("the summary shows what to type for a main gateway that no stack owns", async () => {
  const url = "http://127.0.0.1:18789";
  const stack = gatewaysOf(
    JSON.stringify({ gateways: [rescue], existingMain: { url, command: "oc", restart: "systemctl restart x" } }),
  );
  const text = await stackSummary(stack, undefined);
  expect(text).toMatch(/Main is at http:\/\/127\.0\.0\.1:18789\//);
  expect(text).toMatch(/^ {2}look +oc gateway status --deep$/m);
  expect(text).toMatch(/^ {2}restart +systemctl restart x$/m);
  const alone = await stackSummary({ gateways: [rescue], existingMain: { url, command: "oc" } }, undefined);
  expect(alone).toMatch(/^ {2}restart +the way you started it/m);
});

test("the summary shows how to open the Control UI from here and from afar, and how to see the tokens", () => {
  const text = howTo([gateway(), rescue], undefined);
  expect(text).toContain("http://127.0.0.1:18789/");
  expect(text).toContain("ssh -N -L 18789:127.0.0.1:18789 -L 19789:127.0.0.1:19789 USER@THIS-HOST");
  expect(text).toContain('make outputs ARGS="rescueToken --show-secrets"');
  expect(howTo([gateway()], "lab")).toContain('make outputs STACK=lab ARGS="mainToken --show-secrets"');
});

test("the summary shows how to open what is published on another address", () => {
  const text = howTo([gateway({ url: "http://10.0.0.7:18789" })], undefined);
  expect(text).toContain(" http://10.0.0.7:18789/");
  expect(text).toContain("-L 18789:10.0.0.7:18789");
});

test("outputs without gateways are read as none", () => {
  expect(gatewaysOf("{}")).toEqual({ gateways: [] });
  expect(gatewaysOf('{"gateways":"[secret]"}')).toEqual({ gateways: [] });
  expect(gatewaysOf(JSON.stringify({ gateways: [gateway()] }))).toEqual({ gateways: [gateway()] });
});

test("destroy lists each directory that it keeps once", () => {
  const root = mkdtempSync(join(tmpdir(), "kept-"));
  try {
    const stateDir = join(root, "it's state");
    const apart = join(root, "workspace");
    mkdirSync(join(stateDir, "workspace"), { recursive: true });
    mkdirSync(apart);
    const text = keptBy([
      gateway({ stateDir, workspace: join(stateDir, "workspace") }),
      gateway({ stateDir: join(root, "gone"), workspace: apart }),
    ]);
    expect(text?.split("\n").filter((line) => line.startsWith("  "))).toEqual([
      `  ${stateDir}`,
      `  ${apart}`,
      `  rm -r '${root}/it'\\''s state' ${apart}`,
    ]);
    expect(keptBy([gateway()])).toBeUndefined();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("destroy lists what it keeps on another machine by its outputs", () => {
  const far = { host: "root@203.0.113.7", stateDir: "/srv/claw", workspace: "/srv/claw/workspace" };
  expect(
    keptBy([gateway(far), gateway({ ...far, workspace: "/srv/work" })])
      ?.split("\n")
      .slice(1),
  ).toEqual(["  root@203.0.113.7: /srv/claw", "  root@203.0.113.7: /srv/claw /srv/work"]);
});

test("destroy lists the volumes of containers, with their engine's command", () => {
  const contained = gateway({ docker: "docker", serviceName: "claw-dev-main", stateDir: "/", workspace: "/" });
  const far = { docker: "docker -H ssh://claw@203.0.113.7", host: "claw@203.0.113.7", serviceName: "claw-dev-rescue" };
  expect(keptBy([contained, gateway(far)])?.split("\n")).toEqual([
    "Kept on volumes; the next `make up` finds them. To remove them for good:",
    "  docker volume rm claw-dev-main-state claw-dev-main-workspace",
    "  docker -H ssh://claw@203.0.113.7 volume rm claw-dev-rescue-state claw-dev-rescue-workspace",
  ]);
});

test("destroy lists directories and volumes of a mixed pair", () => {
  const stateDir = mkdtempSync(join(tmpdir(), "kept-"));
  try {
    const text = keptBy([gateway({ stateDir, workspace: stateDir }), gateway({ docker: "docker" })]);
    expect(text?.split("\n\n")).toHaveLength(2);
    expect(text).toContain(`rm -r ${stateDir}`);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});

test.each([
  [0, "0.0 s"],
  [420, "0.4 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [99_400, "99 s"],
  [99_500, "1 min 40 s"],
  [243_000, "4 min 3 s"],
])("%d ms are %s", (milliseconds, expected) => {
  expect(duration(milliseconds)).toBe(expected);
});
