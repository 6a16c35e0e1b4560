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
import { once } from "../../components/targets/bootstrap";
import { npmClient, type FetchFromRegistry } from "./npmClient";

interface PackageDocument {
  readonly versions?: Record<string, object & { readonly dist: { tarball: string } }>;
}

/** A package.json. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
}

interface Published {
  readonly manifest: Manifest;
  readonly archive: () => Promise<Buffer>;
  /** What is sent in its place. */
  falseArchive?: Buffer;
  /** Whether it has a sha512, as everything that was published since 2017, or a sha1 only. */
  readonly isHashed: boolean;
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
  /** What only this registry has, by the path of its archive. */
  private readonly published = new Map<string, Published>();

  private constructor(private readonly fetch: FetchFromRegistry) {}

  /** Takes the place of what was published under this name and version. */
  publish(manifest: Manifest, files: Readonly<Record<string, string | Buffer>>, isHashed = true): void {
    const archive = once(() => packed({ "package.json": JSON.stringify(manifest), ...files }));
    this.published.set(pathOf(manifest), { manifest, archive, isHashed });
    this.documents.clear();
  }

  /** Sends other bytes under a name and version, with the document that belongs to the right ones. */
  spoil(manifest: Manifest, falseArchive: Buffer): void {
    this.published.get(pathOf(manifest))!.falseArchive = falseArchive;
  }

  static async start(address: string): Promise<Registry> {
    const registry = new Registry(await npmClient());
    registry.publish(STAND_IN_MANIFEST, {
      ...standInFiles({ version: STAND_IN_VERSION }, "program.mjs"),
      filler: FILLER,
    });
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
    const published = this.published.get(path);
    if (published) return void response.end(published.falseArchive ?? (await published.archive()));
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
    const own = [...this.published.values()].filter(({ manifest }) => manifest.name === name);
    const document = await this.realDocument(name, accept).catch((error: unknown): PackageDocument => {
      if (own.length) return { name, versions: {} } as PackageDocument;
      throw error;
    });
    for (const { manifest, archive, isHashed } of own) {
      const [algorithm, encoding] = isHashed ? (["sha512", "base64"] as const) : (["sha1", "hex"] as const);
      const hash = createHash(algorithm)
        .update(await archive())
        .digest(encoding);
      const hashes = isHashed ? { integrity: `sha512-${hash}` } : { shasum: hash };
      document.versions![manifest.version] = {
        ...manifest,
        dist: { tarball: `http://registry${pathOf(manifest)}`, ...hashes },
      };
    }
    for (const { dist } of Object.values(document.versions ?? {})) {
      const path = `/${name}/-/${basename(new URL(dist.tarball).pathname)}`;
      this.archives.set(path, dist.tarball);
      dist.tarball = `${this.url}${path}`;
    }
    return JSON.stringify(document);
  }

  private async realDocument(name: string, accept: string): Promise<PackageDocument> {
    const response = await this.fetch(`/${name.replace("/", "%2f")}`, { spec: name, headers: { accept } });
    return JSON.parse(await response.text()) as PackageDocument;
  }
}

const pathOf = ({ name, version }: Manifest): string => `/${name}/-/${basename(name)}-${version}.tgz`;

const STAND_IN_MANIFEST = {
  name: OPENCLAW,
  version: STAND_IN_VERSION,
  // What the real one leaves to its script: without it the program is not complete.
  scripts: { postinstall: "mv program.mjs openclaw.mjs" },
};

/** As npm packs a package. */
async function packed(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name: `package/${name}`, mtime: new Date(0) }, content);
  archive.finalize();
  return buffer(archive.pipe(createGzip()));
}

/** Of a size that takes a moment to be sent. */
const FILLER_BYTES = 40 * 1024 * 1024;
/** The same at each run, and nothing that can be compressed. */
const FILLER = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(FILLER_BYTES));
