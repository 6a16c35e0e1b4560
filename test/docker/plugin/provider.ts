/** The provider's gRPC service: what is common to all resource types. */
import { randomBytes } from "node:crypto";
import { Metadata, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import type Docker from "dockerode";
import { Calls } from "../../../toolchain/command-plugin/calls";
import { RpcError } from "../../../toolchain/command-plugin/rpcError";
import { connect } from "./connect";
import { container } from "./container";
import type { Properties, ResourceType } from "./resourceType";
import { network, remoteImage, volume } from "./smallTypes";
import { VERSION } from "./version";

const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  "docker:index/container:Container": container,
  "docker:index/network:Network": network,
  "docker:index/remoteImage:RemoteImage": remoteImage,
  "docker:index/volume:Volume": volume,
};

/** Names of the inputs that nobody gave: part of the inputs, as in the official plugin. */
const DEFAULTS = "__defaults";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const read = (struct: Struct | undefined): Properties => struct?.toJavaScript() ?? {};
const write = (properties: Properties): Struct =>
  Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)) as Record<string, string>);

export class Provider {
  private readonly calls = new Calls();
  private api: Docker | undefined;

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  /** Whatever is not here is answered with UNIMPLEMENTED. */
  readonly service: UntypedServiceImplementation = {
    getPluginInfo: this.calls.unary(() => new PluginInfo().setVersion(VERSION)),
    attach: this.calls.unary(() => new Empty()),
    getSchema: this.calls.unary(() =>
      new pb.GetSchemaResponse().setSchema(JSON.stringify({ name: "docker", version: VERSION })),
    ),
    checkConfig: this.calls.unary((request: pb.CheckRequest) => new pb.CheckResponse().setInputs(request.getNews())),
    diffConfig: this.calls.unary(() => new pb.DiffResponse()),
    configure: this.calls.unary(async (request: pb.ConfigureRequest) => {
      const { host, sshOpts } = read(request.getArgs()) as Record<string, string>;
      this.api = await connect(host, JSON.parse(sshOpts ?? "[]") as string[]);
      // No secrets for the plugin: the engine marks outputs by the inputs that they are made of.
      return new pb.ConfigureResponse().setSupportspreview(true);
    }),
    cancel: this.calls.unary(() => {
      this.calls.cancel();
      return new Empty();
    }),
    check: this.calls.unary((request: pb.CheckRequest) => check(request)),
    diff: this.calls.unary((request: pb.DiffRequest) => diff(request)),
    create: this.calls.unary((request: pb.CreateRequest) => this.create(request)),
    read: this.calls.unary((request: pb.ReadRequest) => this.read(request)),
    update: this.calls.unary((request: pb.UpdateRequest) => this.update(request)),
    delete: this.calls.unary(async (request: pb.DeleteRequest) => {
      await typeOf(request).delete(this.engine, request.getId(), read(request.getProperties()));
      return new Empty();
    }),
  };

  private get engine(): Docker {
    if (!this.api) throw new Error("the provider has not been configured");
    return this.api;
  }

  private async create(request: pb.CreateRequest): Promise<pb.CreateResponse> {
    const type = typeOf(request);
    const inputs = read(request.getProperties());
    if (request.getPreview()) {
      const unknown = Object.fromEntries(type.outputs.map((name) => [name, UNKNOWN]));
      return new pb.CreateResponse().setProperties(write({ ...inputs, ...unknown }));
    }
    const { id, outputs, failure } = await type.create(this.engine, inputs);
    if (failure !== undefined) throw await this.initFailure(type, id, inputs, failure);
    return new pb.CreateResponse().setId(id).setProperties(write({ ...inputs, ...outputs }));
  }

  /** It is in the state then, with what is wrong about it. */
  private async initFailure(type: ResourceType, id: string, inputs: Properties, reason: string): Promise<RpcError> {
    const seen = await type.read(this.engine, id, inputs);
    const detail = new pb.ErrorResourceInitFailed().setId(id).setReasonsList([reason]);
    detail.setInputs(write(seen?.inputs ?? inputs)).setProperties(write({ ...seen?.inputs, ...seen?.outputs }));
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const response = new Status().setCode(status.UNKNOWN).setMessage(reason);
    response.addDetails(any);
    const metadata = new Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(response.serializeBinary()));
    return new RpcError(status.UNKNOWN, reason, metadata);
  }

  private async read(request: pb.ReadRequest): Promise<pb.ReadResponse> {
    const seen = await typeOf(request).read(this.engine, request.getId(), read(request.getInputs()));
    if (!seen) return new pb.ReadResponse();
    return new pb.ReadResponse()
      .setId(request.getId())
      .setInputs(write(seen.inputs))
      .setProperties(write({ ...seen.inputs, ...seen.outputs }));
  }

  private async update(request: pb.UpdateRequest): Promise<pb.UpdateResponse> {
    const type = typeOf(request);
    const [inputs, olds] = [read(request.getNews()), read(request.getOlds())];
    if (!request.getPreview()) await type.update(this.engine, request.getId(), inputs, read(request.getOldInputs()));
    const kept = Object.fromEntries(type.outputs.map((name) => [name, olds[name]]));
    return new pb.UpdateResponse().setProperties(write({ ...kept, ...inputs }));
  }
}

function check(request: pb.CheckRequest): pb.CheckResponse {
  const type = typeOf(request);
  const [news, olds] = [read(request.getNews()), read(request.getOlds())];
  const given = Object.keys(news).filter((name) => !name.startsWith("__"));
  const defaults = { ...type.defaults, ...(type.namesItself && { name: madeUpName(request.getUrn(), olds) }) };
  const missing = Object.keys(defaults).filter((name) => !given.includes(name));
  const inputs = { ...defaults, ...news, [DEFAULTS]: missing.sort() };
  const unknown = given.filter((name) => !type.inputs.includes(name));
  return new pb.CheckResponse()
    .setInputs(write(inputs))
    .setFailuresList(
      unknown.map((name) =>
        new pb.CheckFailure().setProperty(name).setReason("this double of the docker plugin does not know it"),
      ),
    );
}

/** For life, but a new one for a replacement: the engine passes no old inputs then. */
function madeUpName(urn: string, olds: Properties): unknown {
  if (isDefault(olds, "name")) return olds.name;
  return `${urn.split("::").slice(3).join("::")}-${randomBytes(4).toString("hex").slice(1)}`;
}

const isDefault = (inputs: Properties, name: string): boolean => ((inputs[DEFAULTS] ?? []) as string[]).includes(name);

function diff(request: pb.DiffRequest): pb.DiffResponse {
  const type = typeOf(request);
  const [inputs, state, news] = [request.getOldInputs(), request.getOlds(), request.getNews()].map(read) as [
    Properties,
    Properties,
    Properties,
  ];
  // As it was last seen: a creation that failed is in the state with inputs that never came to be.
  const olds = Object.fromEntries(Object.keys({ ...inputs, ...news }).map((name) => [name, state[name]]));
  const text = (inputs: Properties, name: string) => canonical(inputs[name], !type.ordered.includes(name));
  const ignored = new Set([DEFAULTS, ...request.getIgnorechangesList()]);
  const changed = Object.keys(olds).filter((name) => !ignored.has(name) && text(olds, name) !== text(news, name));
  const replaces = changed.filter((name) => !type.inPlace.includes(name));
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  return new pb.DiffResponse()
    .setChanges(changed.length ? DIFF_SOME : DIFF_NONE)
    .setDiffsList(changed)
    .setReplacesList(replaces)
    .setDeletebeforereplace(replaces.length > 0 && olds.name === news.name && !isDefault(news, "name"));
}

/** The same text for the same value; the order of most lists does not count. */
function canonical(value: unknown, sorts: boolean): string {
  if (Array.isArray(value)) {
    const texts = value.map((one) => canonical(one, sorts));
    return `[${(sorts ? texts.sort() : texts).join()}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const entries = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${canonical(one, sorts)}`);
  return `{${entries.sort().join()}}`;
}

function typeOf(request: { getUrn(): string }): ResourceType {
  const token = request.getUrn().split("::")[2]?.split("$").at(-1) ?? "";
  const type = RESOURCE_TYPES[token];
  if (!type) throw new Error(`this double of the docker plugin has no ${token}`);
  return type;
}
