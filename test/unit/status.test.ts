/** `pulumi-openclaw status`: the gateways of a stack, with or without an answer. */
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { runCommand } from "../../cli/commands";
import type { CheckedGateway } from "../../cli/gateways";
import { renderStatus, rowsOf } from "../../cli/statusCommand";
import { answerTo } from "../../inspect/ask";

const VERSION = "2026.9.6";
let server: Server;
let port: number;
beforeAll(async () => {
  const body = JSON.stringify({ ok: true, status: "started", version: VERSION, ready: true });
  server = createServer((_request, response) => void response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const gateway = (name: string, facts: Partial<CheckedGateway>): CheckedGateway => ({
  ...{
    name,
    isOurs: true,
    url: `http://127.0.0.1:${facts.port ?? port}`,
    port,
    version: VERSION,
    command: `openclaw-${name}`,
    stateDir: `/srv/${name}`,
  },
  ...facts,
});

it("status shows of each gateway where it is and how it is", async () => {
  const gateways = [gateway("main", {}), gateway("ops", { version: "2026.9.7" }), gateway("rescue", { port: 1 })];
  const rows = await rowsOf({ gateways, neverUp: ["new"], elsewhere: ["far"] });
  expect(rows.map(({ gateway, health }) => `${gateway}: ${health}`)).toEqual([
    "main: healthy",
    `ops: wrong version ${VERSION}`,
    "rescue: down",
    "new: was never healthy",
    "far: not asked (on another machine)",
  ]);
  expect(renderStatus(rows).split("\n")[1]).toMatch(
    new RegExp(`^main +http://127\\.0\\.0\\.1:${port} +2026\\.9\\.6 +healthy +openclaw-main$`),
  );
  expect(renderStatus([])).toBe("This stack has no gateway.");
});

it("an unknown verb is refused with the usage of the known ones", async () => {
  const said = vi.spyOn(console, "error").mockReturnValue();
  expect(await runCommand("stats", [], {})).toBe(2);
  expect(said.mock.lastCall?.[0]).toMatch(/^usage: pulumi-openclaw check [^]*\nusage: pulumi-openclaw status /);
  said.mockRestore();
});

it("a gateway that rejects HTTP is asked again over HTTPS, within the same time", async () => {
  let asked = 0;
  const listener = createTcpServer((socket) => {
    asked++;
    socket.on("error", () => {}).resetAndDestroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const timeout = vi.spyOn(AbortSignal, "timeout");
  expect(await answerTo((listener.address() as AddressInfo).port, "/startupz")).toBe("refused");
  expect(asked).toBe(2);
  expect(timeout).toHaveBeenCalledTimes(1);
  timeout.mockRestore();
  listener.close();
});
