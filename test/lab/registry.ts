/** An npm registry for hosts without a way out: it hands on what this machine's own npm can fetch, and has a stand-in. */
import { createCipheriv, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { standInFiles } from "../standIn/release";
import { npmClient, type FetchFromRegistry } from "./npmClient";

interface PackageDocument {
  readonly versions?: Record<string, { readonly dist: { tarball: string } }>;
}

/** A version of OpenClaw that only this registry has: the stand-in for it, with an installation of half a second. */
export const STAND_IN_VERSION = "2026.9.200";
const OPENCLAW = "openclaw";

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
    if (path === STAND_IN_PATH) return void response.end(await standInPackage());
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
    if (name === OPENCLAW && document.versions) document.versions[STAND_IN_VERSION] = await standInEntry();
    for (const { dist } of Object.values(document.versions ?? {})) {
      const path = `/${name}/-/${basename(new URL(dist.tarball).pathname)}`;
      this.archives.set(path, dist.tarball);
      dist.tarball = `${this.url}${path}`;
    }
    return JSON.stringify(document);
  }
}

const STAND_IN_PATH = `/${OPENCLAW}/-/${OPENCLAW}-${STAND_IN_VERSION}.tgz`;

const STAND_IN_MANIFEST = {
  name: OPENCLAW,
  version: STAND_IN_VERSION,
  // What the real one leaves to its script: without it the program is not complete.
  scripts: { postinstall: "mv program.mjs openclaw.mjs" },
};

/** As npm packs one. Of a size that takes a moment to be sent. */
async function standInPackage(): Promise<Buffer> {
  const archive = pack();
  const files: Record<string, string | Buffer> = {
    "package.json": JSON.stringify(STAND_IN_MANIFEST),
    ...standInFiles({ version: STAND_IN_VERSION }, "program.mjs"),
    filler: FILLER,
  };
  for (const [name, content] of Object.entries(files))
    archive.entry({ name: `package/${name}`, mtime: new Date(0) }, content);
  archive.finalize();
  return buffer(archive.pipe(createGzip()));
}

const FILLER_BYTES = 40 * 1024 * 1024;
/** The same at each run, and nothing that can be compressed. */
const FILLER = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(FILLER_BYTES));

async function standInEntry() {
  const archive = await standInPackage();
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  return { ...STAND_IN_MANIFEST, dist: { tarball: `http://registry${STAND_IN_PATH}`, integrity } };
}
