/** The provider's gRPC service: what is common to all resource types. */
import { randomBytes } from "node:crypto";
import { status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import { Calls, limit } from "./calls";
import { diffProperties, type Change } from "./diff";
import { EngineLog } from "./engineLog";
import { failuresText, mistakes, type Failure } from "./fields";
import { HOW_TO_INSTALL, localCommand } from "./localCommand";
import { isStale, settled, withUnknowns } from "./previews";
import { remoteCommand } from "./remoteCommand";
import type { ResourceType, Step } from "./resourceType";
import { RpcError } from "./rpcError";
import { packageSchema, VERSION } from "./schema";
import { readProperties, writeProperties, type Properties, type Value } from "./values";

const RESOURCE_TYPES: ReadonlyMap<string, ResourceType> = new Map([
  ["command:local:Command", localCommand],
  ["command:remote:Command", remoteCommand],
]);

/** Part of the provider's state: with another value, changing between the two plugins would show as a change. */
const FRAMEWORK: [string, Value] = ["__pulumi-go-provider-version", { content: "1.2.0" }];

export class Provider {
  private readonly log = new EngineLog();
  private readonly calls = new Calls();
  private sendsOldInputs = false;

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  attach(engineAddress: string): void {
    this.log.attach(engineAddress);
  }

  /** Whatever is not here is answered with UNIMPLEMENTED, here and there. */
  readonly service: UntypedServiceImplementation = {
    getPluginInfo: this.calls.unary(() => new PluginInfo().setVersion(VERSION)),
    attach: this.calls.unary((request: PluginAttach) => {
      this.attach(request.getAddress());
      return new Empty();
    }),
    getSchema: this.calls.unary(() =>
      new pb.GetSchemaResponse().setSchema(JSON.stringify(packageSchema(RESOURCE_TYPES))),
    ),
    checkConfig: this.calls.unary((request: pb.CheckRequest) =>
      new pb.CheckResponse().setInputs(writeProperties(new Map([...readProperties(request.getNews()), FRAMEWORK]))),
    ),
    configure: this.calls.unary((request: pb.ConfigureRequest) => {
      this.sendsOldInputs = request.getSendsOldInputs() && request.getSendsOldInputsToDelete();
      return new pb.ConfigureResponse()
        .setAcceptsecrets(true)
        .setSupportspreview(true)
        .setAcceptresources(true)
        .setAcceptoutputs(true);
    }),
    cancel: this.calls.unary(() => {
      this.calls.cancel();
      return new Empty();
    }),
    invoke: this.calls.unary((request: pb.InvokeRequest) => {
      throw notSupported(request.getTok());
    }),
    check: this.calls.unary((request: pb.CheckRequest) => this.check(request)),
    diff: this.calls.unary((request: pb.DiffRequest) => this.diff(request)),
    create: this.calls.unary((request: pb.CreateRequest, call) => this.create(request, call)),
    read: this.calls.unary((request: pb.ReadRequest) => this.read(request)),
    update: this.calls.unary((request: pb.UpdateRequest, call) => this.update(request, call)),
    delete: this.calls.unary((request: pb.DeleteRequest, call) => this.delete(request, call)),
  };

  private check(request: pb.CheckRequest): pb.CheckResponse {
    const type = typeOf(request.getUrn());
    const inputs = readProperties(request.getNews());
    const wrong = mistakes(inputs, type.inputs, type.requiredInputs, `${type.goName}Inputs`);
    const failures = [...wrong, ...type.refusals(inputs)];
    return new pb.CheckResponse()
      .setInputs(writeProperties(failures.length ? inputs : settled(inputs, type.inputs)))
      .setFailuresList(
        failures.map(({ property, reason }) => new pb.CheckFailure().setProperty(property).setReason(reason)),
      );
  }

  private diff(request: pb.DiffRequest): pb.DiffResponse {
    const { inputs: fields } = typeOf(request.getUrn());
    const state = readProperties(request.getOlds());
    const news = withIgnored(readProperties(request.getNews()), state, request.getIgnorechangesList());
    const olds = this.sendsOldInputs
      ? readProperties(request.getOldInputs())
      : filter(state, (name) => Object.hasOwn(fields, name));
    const changes = diffProperties(
      olds,
      filter(news, (name) => name !== "version" && !name.startsWith("__")),
    );

    const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
    const response = new pb.DiffResponse().setHasdetaileddiff(true).setChanges(changes.length ? DIFF_SOME : DIFF_NONE);
    // Only for the property as a whole. That a changed trigger replaces is an option which the SDK sets on the resource.
    const replaces = ({ path }: Change): boolean => !!fields[path]?.replaceOnChanges;
    for (const change of changes) {
      const kind = DIFF_KINDS[change.kind][replaces(change) ? 1 : 0];
      response.getDetaileddiffMap().set(change.path, new pb.PropertyDiff().setKind(kind));
    }
    return response
      .setDiffsList([...new Set(changes.map(({ property }) => property))])
      .setReplacesList(changes.filter(replaces).map(({ property }) => property));
  }

  private async create(request: pb.CreateRequest, call: AbortController): Promise<pb.CreateResponse> {
    const type = typeOf(request.getUrn());
    const inputs = readProperties(request.getProperties());
    refuse(mistakes(inputs, type.inputs, type.requiredInputs, `${type.goName}Inputs`), "invalid inputs: ");
    const step = this.step(request, call);
    const outputs = request.getPreview()
      ? withUnknowns(inputs, type.requiredOutputs)
      : new Map([...inputs, ...(await type.create(inputs, step))]);
    const id = step.name + randomBytes(4).toString("hex");
    return new pb.CreateResponse().setId(id).setProperties(writeProperties(outputs));
  }

  private read(request: pb.ReadRequest): pb.ReadResponse {
    const type = typeOf(request.getUrn());
    const inputs = readProperties(request.getInputs());
    const state = readProperties(request.getProperties());
    refuse(mistakes(inputs, type.inputs, [], `${type.goName}Inputs`));
    // Empty for an import, so nothing is required.
    refuse(mistakes(state, { ...type.outputs, ...type.inputs }, [], `${type.goName}Outputs`));
    return new pb.ReadResponse()
      .setId(request.getId())
      .setInputs(writeProperties(inputs))
      .setProperties(writeProperties(state));
  }

  private async update(request: pb.UpdateRequest, call: AbortController): Promise<pb.UpdateResponse> {
    const type = typeOf(request.getUrn());
    const state = readState(type, request.getOlds());
    const inputs = withIgnored(readProperties(request.getNews()), state, request.getIgnorechangesList());
    refuse(mistakes(inputs, type.inputs, type.requiredInputs, `${type.goName}Inputs`));
    const kept = Object.keys(type.outputs).filter((name) => state.has(name));
    if (request.getPreview() && isStale(type.inputs, inputs, state)) {
      return new pb.UpdateResponse().setProperties(writeProperties(withUnknowns(inputs, kept)));
    }
    const outputs = new Map([
      ...inputs,
      ...kept.map((name): [string, Value] => [name, { content: state.get(name)!.content }]),
    ]);
    if (!request.getPreview()) {
      for (const [name, value] of await type.update(state, inputs, this.step(request, call))) outputs.set(name, value);
    }
    return new pb.UpdateResponse().setProperties(writeProperties(outputs));
  }

  private async delete(request: pb.DeleteRequest, call: AbortController): Promise<Empty> {
    const type = typeOf(request.getUrn());
    await type.delete(readState(type, request.getProperties()), this.step(request, call));
    return new Empty();
  }

  private step(request: { getUrn(): string; getTimeout(): number }, call: AbortController): Step {
    limit(call, request.getTimeout());
    const urn = request.getUrn();
    return {
      name: nameOf(urn),
      signal: call.signal,
      log: (line) => this.log.status(urn, line),
      report: (severity, message) => this.log.report(urn, severity, message),
    };
  }
}

const { Kind } = pb.PropertyDiff;
const DIFF_KINDS = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
} as const;

const notSupported = (token: string): RpcError =>
  new RpcError(
    status.NOT_FOUND,
    `the stand-in for the command plugin has only ${[...RESOURCE_TYPES.keys()].join(", ")}, not ${token}. ` +
      `That needs the official plugin; ${HOW_TO_INSTALL}`,
  );

/** `urn:pulumi:stack::project::parent$type::name`; the name may contain `::`. */
function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const type = RESOURCE_TYPES.get(token);
  if (!type) throw notSupported(token);
  return type;
}

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

function readState(type: ResourceType, struct: Parameters<typeof readProperties>[0]): Properties {
  const state = readProperties(struct);
  const required = [...type.requiredOutputs, ...type.requiredInputs];
  refuse(mistakes(state, { ...type.outputs, ...type.inputs }, required, `${type.goName}Outputs`));
  return state;
}

function refuse(failures: readonly Failure[], prefix = ""): void {
  if (failures.length) throw new Error(prefix + failuresText(failures));
}

const filter = (properties: Properties, wanted: (name: string) => boolean): Properties =>
  new Map([...properties].filter(([name]) => wanted(name)));

/** `ignoreChanges` by top-level names only: the engine itself does the rest before it asks. */
function withIgnored(news: Properties, state: Properties, names: readonly string[]): Properties {
  return new Map([...news, ...filter(state, (name) => names.includes(name))]);
}
