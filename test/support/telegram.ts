/** A Telegram Bot API server for tests: knows some tokens, refuses all others. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const POLL_MS = 1_000;

export class FakeTelegram {
  private constructor(
    private readonly server: Server,
    private readonly bots: { hasOtherPoller: boolean },
    readonly apiRoot: string,
  ) {}

  static async start(tokens: readonly string[], address = "127.0.0.1"): Promise<FakeTelegram> {
    const bots = { hasOtherPoller: false };
    const server = createServer((request, response) => {
      const { url = "" } = request;
      const [, token, method] = /^\/bot([^/]+)\/(\w+)/.exec(url) ?? [];
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      request.resume();
      if (token === undefined || !tokens.includes(token))
        return answer(401, { ok: false, error_code: 401, description: "Unauthorized" });
      if (method === "getMe")
        return answer(200, { ok: true, result: { id: 1, is_bot: true, first_name: "Test", username: "test_bot" } });
      if (method === "getUpdates" && bots.hasOtherPoller)
        return answer(409, {
          ok: false,
          error_code: 409,
          description: "Conflict: terminated by other getUpdates request",
        });
      if (method === "getUpdates")
        return void setTimeout(() => answer(200, { ok: true, result: [] }), url.includes("timeout=0") ? 0 : POLL_MS);
      return answer(200, { ok: true, result: true });
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return new FakeTelegram(server, bots, `http://${address}:${(server.address() as AddressInfo).port}`);
  }

  /** Whether another program polls for the messages of the same bots. */
  set hasOtherPoller(isThere: boolean) {
    this.bots.hasOtherPoller = isThere;
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    const { hostname, port } = new URL(this.apiRoot);
    await new Promise<void>((resolve) => this.server.listen(Number(port), hostname, resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
