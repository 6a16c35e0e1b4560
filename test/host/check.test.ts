/** The quick checks, asked of gateways in every state that they tell apart. */
import { readFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkGateways, render } from "../../cli/check";
import type { CheckedGateway } from "../../cli/gateways";
import { gatewayUnits } from "../../inspect/units";
import { shownHealth } from "../../cli/summary";
import { type GatewayOutput } from "../../model/outputs";
import { ask, endStrays, eventually, ok, temporaryRoot, TestHost } from "../support/hosts";
import { isSoak } from "../support/soak";
import { placeRelease, seedNode, VERSION } from "../support/seed";
import { releaseDirectory } from "../standIn/release";

const only = (...gateways: CheckedGateway[]) => ({ gateways, neverUp: [] });

const PORT = 27000;
const DOWN = 27200;

describe("the quick checks", () => {
  const host = new TestHost();
  let home: string;
  let healthy: CheckedGateway;
  let down: CheckedGateway;

  beforeAll(async () => {
    placeRelease(host.root, "main");
    ok(await host.up("main", host.describe({ basePort: PORT })));
    const stateDir = join(host.root, ".openclaw");
    const command = join(host.layout.binDir, "openclaw-main");
    const url = `http://127.0.0.1:${PORT}`;
    healthy = { name: "main", isOurs: true, url, port: PORT, version: VERSION, command, stateDir };

    home = temporaryRoot();
    const token = { source: "env", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN" };
    const gateway = { mode: "local", port: DOWN, bind: "loopback", auth: { mode: "token", token } };
    writeFileSync(join(home, "openclaw.json"), JSON.stringify({ gateway }));
    down = {
      name: "down",
      isOurs: true,
      url: `http://127.0.0.1:${DOWN}`,
      port: DOWN,
      command: commandFor(home),
      stateDir: home,
    };
  });
  afterAll(async () => {
    await host.dispose();
    rmSync(home, { recursive: true, force: true });
  });

  /** A command line made by hand, as `existingMain.command` may be one. */
  const commandFor = (stateDir: string, token = "token-made-by-hand", config = join(stateDir, "openclaw.json")) => {
    const openclaw = join(releaseDirectory(host.root, "main", VERSION), "openclaw.mjs");
    const env = `OPENCLAW_STATE_DIR=${stateDir} OPENCLAW_CONFIG_PATH=${config} OPENCLAW_GATEWAY_TOKEN=${token}`;
    // Under vitest OpenClaw takes itself for its own tests.
    return `env -u VITEST ${env} ${realpathSync(seedNode)} ${openclaw}`;
  };

  it("the quick checks find nothing wrong with healthy gateways, whatever the caller's shell says", async () => {
    process.env.OPENCLAW_GATEWAY_PORT = String(DOWN);
    process.env.OPENCLAW_STATE_DIR = "/nowhere";
    try {
      const result = await checkGateways(only(healthy), []);
      expect(result.findings.filter(({ level }) => level === "problem")).toEqual([]);
      expect(result).toMatchObject({
        ok: true,
        gateways: [
          {
            gateway: "main",
            port: PORT,
            service: `up, ${VERSION}`,
            probe: "1 reachable",
            status: "ok",
            browser: `not running, CDP ${PORT + 11}`,
          },
        ],
      });
      expect(render(result)).toMatch(/Nothing is wrong\.$/);
    } finally {
      delete process.env.OPENCLAW_GATEWAY_PORT;
      delete process.env.OPENCLAW_STATE_DIR;
    }
  });

  it("the quick checks report a gateway that is down in time, and the other one as up", async () => {
    const started = Date.now();
    const result = await checkGateways(only(healthy, down), []);
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(result.ok).toBe(false);
    expect(result.gateways.map(({ service }) => service)).toEqual([`up, ${VERSION}`, "down"]);
    expect(result.gateways[1]).toMatchObject({ probe: "none reachable", status: "not asked", browser: "not asked" });
    expect(result.findings).toContainEqual(
      expect.objectContaining({ level: "problem", gateway: "down", text: `is down: nothing listens on port ${DOWN}` }),
    );
  });

  it("the quick checks report a wrong token", async () => {
    // In which the token is a variable.
    const config = join(host.dir("main"), "current", "openclaw.withheld.json");
    const command = commandFor(home, "canary-wrong-token", config);
    const result = await checkGateways(only({ ...healthy, command }), []);
    expect(result.ok).toBe(false);
    expect(result.gateways[0]).toMatchObject({ service: "wrong token", status: "not asked" });
    expect(render(result)).not.toContain("canary");
    const foreign = await checkGateways(only({ ...healthy, command, isOurs: false, stateDir: home }), []);
    expect(foreign.ok).toBe(true);
    expect(foreign.findings[0]?.text).toBe("is up, but this shell does not have its token");
    const { uid } = statSync(healthy.stateDir);
    if (uid === process.getuid!()) return;
    // Another user's: nothing that its configuration names may be run with our rights.
    const others = await checkGateways(only({ ...healthy, command: "touch /nowhere/at/all;", isOurs: false }), []);
    expect(others).toMatchObject({ ok: true, gateways: [{ service: "healthy", probe: "not asked" }] });
  });

  it("the quick checks report another program on the port", async () => {
    const server: Server = createServer((_, response) => response.end("no gateway"));
    await new Promise<void>((resolve) => server.listen(DOWN, "127.0.0.1", resolve));
    try {
      const result = await checkGateways(only(down), []);
      expect(result).toMatchObject({ ok: false, gateways: [{ service: "another program" }] });
      expect(result.findings[0]?.text).toMatch(
        new RegExp(`\\(pid ${process.pid}\\) listens on port ${DOWN} but does not answer as a gateway$`),
      );
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("the quick checks report a command that does not exist", async () => {
    const result = await checkGateways(only({ ...healthy, command: "/nowhere/openclaw" }), []);
    expect(result.ok).toBe(false);
    expect(result.findings[0]?.text).toMatch(/^`\/nowhere\/openclaw gateway status` failed: .*not found$/);
  });

  it("the quick checks report service files of older installations", async () => {
    const directory = mkdtempSync(join(tmpdir(), "units-"));
    const unit = (name: string, port: number) => {
      mkdirSync(directory, { recursive: true });
      writeFileSync(
        join(directory, name),
        `[Service]\nExecStart=/usr/bin/node /old/clawdbot/index.js gateway --port ${port}\n`,
      );
    };
    try {
      unit("clawdbot-gateway.service", PORT + 50);
      unit("openclaw-gateway-old.service", 9);
      writeFileSync(join(directory, "other.service"), "[Service]\nExecStart=/usr/bin/other gateway\n");
      const result = await checkGateways(only(healthy), gatewayUnits([directory]));
      expect(result.ok).toBe(false);
      expect(result.findings.filter(({ text }) => text.includes(directory))).toEqual([
        expect.objectContaining({
          level: "problem",
          text: expect.stringContaining("clawdbot-gateway.service") as string,
        }),
        expect.objectContaining({
          level: "note",
          text: `${directory}/openclaw-gateway-old.service starts a gateway that is not one of these`,
        }),
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  // The real one has no command that runs a shell, as the stand-in has for a bot's.
  it.skipIf(isSoak)(
    "a program on the port of a gateway that is down is named, not trusted, and sent no token",
    async () => {
      const received: string[] = [];
      const server: Server = createServer((request, response) => {
        received.push(JSON.stringify(request.headers));
        request.on("data", (data: Buffer) => received.push(data.toString()));
        // What a healthy gateway says.
        const answer = {
          ok: true,
          status: "started",
          version: VERSION,
          ready: true,
          error: { type: "invalid_request" },
        };
        response.end(JSON.stringify(answer));
      });
      endStrays(host.root);
      await eventually("the port is free", 5, async () => (await ask(PORT, "/startupz")) === undefined);
      const given = ["shell", "-c", "echo $OPENCLAW_GATEWAY_TOKEN $(basename $OPENCLAW_CONFIG_PATH)"];
      const nobody = ok(await host.wrapper("main", given));
      expect(nobody.stdout).toBe("withheld-while-this-gateway-does-not-listen openclaw.withheld.json\n");
      const withheld = readFileSync(join(host.dir("main"), "current", "openclaw.withheld.json"), "utf8");
      expect(JSON.parse(withheld)).toMatchObject({ gateway: { auth: { token: { source: "env" } } } });

      await new Promise<void>((resolve) => server.listen(PORT, "127.0.0.1", resolve));
      try {
        const wrapper = join(host.layout.binDir, "openclaw-main");
        const impostor = new RegExp(`\\(pid ${process.pid}\\) listens `);
        const refused = await host.wrapper("main", ["gateway", "probe"]);
        expect(refused.code).toBe(1);
        expect(refused.stderr).toMatch(impostor);
        expect(refused.stderr).toMatch(
          /nothing was run\n {4}-> stop that program, then start the gateway: .* restart main/,
        );
        const result = await checkGateways(only({ ...healthy, wrapper }), []);
        expect(result).toMatchObject({ ok: false, gateways: [{ service: "another program", probe: "not asked" }] });
        expect(result.findings[0]?.text).toMatch(impostor);
        const output = { url: `ws://127.0.0.1:${PORT}`, basePort: PORT, version: VERSION, wrapper } as GatewayOutput;
        expect(await shownHealth(output)).toMatch(impostor);
        expect(ok(await host.run("health", ["main"])).stdout).toBe("unhealthy\n");
        expect(received.join()).not.toContain("token-of-main");
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      expect(ok(await host.run("start", ["main"])).stdout).toContain("now healthy");
      expect(ok(await host.wrapper("main", given)).stdout).toBe("openclaw.json\n");
    },
  );
});
