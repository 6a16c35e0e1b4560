/** A model provider for tests, with OpenAI's interface: knows some keys, refuses all others, and says which one it was asked with. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class FakeModel {
  /** Keys of the requests that it has answered, in order. */
  readonly keys: string[] = [];
  private constructor(private readonly server: Server) {}

  static async start(keys: readonly string[]): Promise<FakeModel> {
    const server = createServer((request, response) => {
      const key = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
      request.resume();
      request.on("end", () => {
        if (!keys.includes(key)) return void response.writeHead(401).end(JSON.stringify({ error: { message: "key" } }));
        model.keys.push(key);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const choice of [{ delta: { role: "assistant", content: "pong" } }, { delta: {}, finish_reason: "stop" }])
          response.write(`data: ${JSON.stringify({ ...ANSWER, choices: [{ index: 0, ...choice }] })}\n\n`);
        response.end("data: [DONE]\n\n");
      });
    });
    const model = new FakeModel(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return model;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const ANSWER = { id: "1", object: "chat.completion.chunk", created: 1, model: "test" };
