/** What answers like a Docker engine, on a socket of its own: as much of its API as our deployer asks for. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { LABELS, limitsLabel } from "../../model/containerLayout";
import type { EngineAddress } from "../../model/requests";

type Labels = Readonly<Record<string, string>>;

interface Published {
  readonly port: number;
  readonly address?: string;
  readonly type?: "tcp" | "udp";
}

export interface FakeContainer {
  readonly labels?: Labels;
  readonly state?: object;
  /** Of its HostConfig; without a limit of processes nobody has found it healthy yet. */
  readonly host?: object;
  readonly publishes?: readonly Published[];
  /** Volumes by where they are in it. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Networks that it is in; missing: its own. */
  readonly networks?: readonly string[];
  /** What its own health check says; nothing where it is healthy. One after the other, the last one for ever. */
  readonly says?: readonly string[];
}

interface Helper {
  readonly Cmd?: readonly string[];
  readonly HostConfig?: { readonly Mounts?: readonly { readonly Type: string }[] };
}

export class FakeDocker {
  readonly containers = new Map<string, FakeContainer>();
  readonly networks = new Map<string, Labels>();
  /** What else is known of a network than its labels. */
  readonly networkFacts = new Map<string, object>();
  readonly volumes = new Map<string, Labels>();
  readonly images = new Set<string>();
  /** Variables of every image. */
  readonly imageEnv: string[] = [];
  cpus = 2;
  /** What else it says about itself. */
  facts: object = {};
  /** How helper containers end, and what each was created with. */
  exitCode = 0;
  readonly helpers: Helper[] = [];
  /** Everything that would have changed something, as METHOD PATH. */
  readonly changes: string[] = [];
  /** What containers that were made would run. */
  readonly commands: (readonly string[])[] = [];
  private readonly directory = mkdtempSync(join(tmpdir(), "fake-docker-"));
  private readonly asked = new Map<string, number>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://docker.invalid");
      void text(request).then((sent) => {
        const [status, body] = this.answer(request.method ?? "", pathname, searchParams, sent);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<FakeDocker> {
    const fake = new FakeDocker();
    await new Promise<void>((resolve) => fake.server.listen(join(fake.directory, "docker.sock"), resolve));
    return fake;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.directory, { recursive: true });
  }

  get address(): EngineAddress {
    return { host: `unix://${join(this.directory, "docker.sock")}` };
  }

  private answer(method: string, path: string, query: URLSearchParams, sent: string): [number, unknown] {
    const nothing: [number, unknown] = [404, { message: `no such thing: ${path}` }];
    const [, kind, name = "", verb] = path.split("/").map(decodeURIComponent);
    const container = this.containers.get(name);
    if (kind === "_ping") return [200, "OK"];
    if (kind === "info") return [200, { NCPU: this.cpus, ...this.facts }];
    if (kind === "exec") return verb === "start" ? [200, name] : [200, { ExitCode: name === "" ? 0 : 1 }];
    if (path === "/containers/json")
      return [200, [...this.containers].filter(([, { labels = {} }]) => isLabelled(labels, query)).map(listed)];
    if (kind === "containers" && verb === "exec" && container) return [201, { Id: this.saidBy(name, container) }];
    if (method !== "GET") {
      this.changes.push(`${method} ${path}`);
      return this.change(method, kind, name, verb, sent);
    }
    if (kind === "containers") return container ? [200, inspected(name, container)] : nothing;
    if (path === "/volumes")
      return [200, { Volumes: [...this.volumes].filter(([, labels]) => isLabelled(labels, query)).map(named) }];
    if (path === "/networks")
      return [200, [...this.networks].map(([Name, Labels]) => ({ Name, Labels, ...this.networkFacts.get(Name) }))];
    if (kind === "images") {
      const isThere = this.images.has(path.slice("/images/".length, -"/json".length));
      return isThere ? [200, { Config: { Env: this.imageEnv } }] : nothing;
    }
    const labels = (kind === "networks" ? this.networks : this.volumes).get(name);
    return labels ? [200, { Labels: labels, ...(kind === "networks" && this.networkFacts.get(name)) }] : nothing;
  }

  private change(method: string, kind = "", name: string, verb: string | undefined, sent: string): [number, unknown] {
    const things = kind === "containers" ? this.containers : kind === "networks" ? this.networks : this.volumes;
    if (method === "DELETE") things.delete(name);
    // An archive is only taken.
    if (method === "PUT") return [200, ""];
    if (verb === "wait") return [200, { StatusCode: this.exitCode }];
    if (verb !== undefined || name !== "create") return [204, ""];
    const created = JSON.parse(sent) as Helper & { Name?: string; Labels?: Labels };
    const { Name, Labels = {} } = created;
    if (kind === "containers") this.helpers.push(created);
    if (created.Cmd) this.commands.push(created.Cmd);
    if (Name !== undefined) this.volumes.set(Name, Labels);
    else this.containers.set("helper", { labels: Labels });
    return [201, { Id: "helper", Name }];
  }

  /** Stands in the name of the check's run, so that nothing is kept of it. */
  private saidBy(name: string, { says = [""] }: FakeContainer): string {
    const asked = this.asked.get(name) ?? 0;
    this.asked.set(name, asked + 1);
    return says[Math.min(asked, says.length - 1)]!;
  }
}

const listed = ([name, { publishes = [] }]: [string, FakeContainer]) => ({
  Id: name,
  Names: [`/${name}`],
  Ports: publishes.map(({ port, address = "127.0.0.1", type = "tcp" }) => ({
    Type: type,
    IP: address,
    PublicPort: port,
  })),
});

const inspected = (
  name: string,
  { labels = {}, state, host, publishes = [], mounts = {}, networks = [name] }: FakeContainer,
) => ({
  Config: { Labels: { ...labels, [LABELS.limits]: limitsLabel({ memoryMiB: 2048, cpus: 2, pids: 512 }) } },
  State: { Running: true, ...state },
  HostConfig: {
    Memory: 2 ** 31,
    NanoCpus: 2e9,
    PidsLimit: 512,
    RestartPolicy: { Name: "unless-stopped" },
    PortBindings: {
      "18789/tcp": publishes.map(({ port, address = "127.0.0.1" }) => ({ HostIp: address, HostPort: `${port}` })),
    },
    ...host,
  },
  NetworkSettings: { Networks: Object.fromEntries(networks.map((each) => [each, {}])) },
  Mounts: Object.entries(mounts).map(([Destination, Name]) => ({ Destination, Name })),
});

function isLabelled(labels: Labels, query: URLSearchParams): boolean {
  const { label = [] } = JSON.parse(query.get("filters") ?? "{}") as { label?: string[] };
  return label.every((each) => Object.entries(labels).some(([name, value]) => `${name}=${value}` === each));
}

const named = ([Name, Labels]: [string, Labels]) => ({ Name, Labels });
