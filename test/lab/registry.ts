/** An npm registry for hosts without a way out: it hands on what this machine's own npm can fetch. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { npmClient, type FetchFromRegistry } from "./npmClient";

interface PackageDocument {
  readonly versions?: Readonly<Record<string, { readonly dist: { tarball: string } }>>;
}

export class Registry {
  private readonly server = createServer((request, response) => void this.answer(request, response));
  /** As they are served, by name and kind; fetched once in a run. */
  private readonly documents = new Map<string, Promise<string>>();
  /** Where archives really are, by their path here. */
  private readonly archives = new Map<string, string>();

  private constructor(private readonly fetch: FetchFromRegistry) {}

  static async start(address: string): Promise<Registry> {
    const registry = new Registry(await npmClient());
    await new Promise<void>((resolve, reject) =>
      registry.server.once("error", reject).listen({ host: address, port: 0 }, resolve),
    );
    registry.server.unref();
    return registry;
  }

  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = decodeURIComponent(new URL(request.url ?? "/", this.url).pathname);
      const [, name, archive] = /^\/((?:@[^/]+\/)?[^/@-][^/]*)(\/-\/[^/]+\.tgz)?$/.exec(path) ?? [];
      if (path === "/-/ping") response.end("{}");
      else if (name === undefined) response.writeHead(404).end(`{"error":"this registry only has packages"}`);
      else if (archive !== undefined) await this.sendArchive(name, path, response);
      else {
        const document = await this.document(name, request.headers.accept ?? "application/json");
        response.setHeader("content-type", "application/json").end(document);
      }
    } catch (error) {
      const { statusCode = 502, message } = error as Error & { statusCode?: number };
      if (response.headersSent) response.destroy();
      else response.writeHead(statusCode).end(JSON.stringify({ error: message }));
    }
  }

  private async sendArchive(name: string, path: string, response: ServerResponse): Promise<void> {
    if (!this.archives.has(path)) await this.document(name, "application/json");
    const uri = this.archives.get(path);
    if (uri === undefined) {
      response.writeHead(404).end(`{"error":"no such archive"}`);
      return;
    }
    // An archive that a registry has published never changes.
    const { body } = await this.fetch(uri, { spec: name, preferOffline: true });
    response.setHeader("content-type", "application/octet-stream");
    await pipeline(body, response);
  }

  /** A package's document, in the form that the client accepts, with archives that are fetched from here. */
  private document(name: string, accept: string): Promise<string> {
    const key = `${name} ${accept}`;
    const known = this.documents.get(key);
    if (known) return known;
    const fetched = this.fetchDocument(name, accept);
    this.documents.set(key, fetched);
    fetched.catch(() => this.documents.delete(key));
    return fetched;
  }

  private async fetchDocument(name: string, accept: string): Promise<string> {
    const response = await this.fetch(`/${name.replace("/", "%2f")}`, { spec: name, headers: { accept } });
    const document = JSON.parse(await response.text()) as PackageDocument;
    for (const { dist } of Object.values(document.versions ?? {})) {
      const path = `/${name}/-/${basename(new URL(dist.tarball).pathname)}`;
      this.archives.set(path, dist.tarball);
      dist.tarball = `${this.url}${path}`;
    }
    return JSON.stringify(document);
  }
}
