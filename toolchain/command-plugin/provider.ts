/** The provider's gRPC service: what is common to all resource types. */
import { randomBytes } from "node:crypto";
import { status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Calls } from "./calls";
import { NO_OUTPUT } from "./commandOutput";
import { diffProperties, type PropertyChange } from "./diff";
import { EngineLog } from "./engineLog";
import { checkFailuresText, checkFailures, STRING } from "./fields";
import { localCommand } from "./localCommand";
import { notHere, VERSION } from "./official";
import { isStale, settled, withUnknowns } from "./previews";
import { textIn } from "./properties";
import { remoteCommand } from "./remoteCommand";
import type { ResourceType } from "./resourceType";
import type { DialStep } from "../../ssh/dial";
import { RpcError } from "./rpcError";
import { readProperties, writeProperties, type Properties, type Value } from "./values";

const RESOURCE_TYPES: ReadonlyMap<string, ResourceType> = new Map([
  ["command:local:Command", localCommand],
  ["command:remote:Command", remoteCommand],
]);

const OUTPUTS = { stdout: STRING, stderr: STRING };

/** Part of the provider's state: with another value, changing between the two plugins would show as a change. */
const FRAMEWORK: [string, Value] = ["__pulumi-go-provider-version", { content: "1.2.0" }];

export class Provider {
  private readonly log = new EngineLog();
  private readonly calls = new Calls();

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  attach(engineAddress: string): void {
    this.log.attach(engineAddress);
  }

  /** Whatever is not here is answered with UNIMPLEMENTED. */
  readonly service: UntypedServiceImplementation = {
    getPluginInfo: this.calls.unary(() => new PluginInfo().setVersion(VERSION)),
    checkConfig: this.calls.unary((request: pb.CheckRequest) =>
      new pb.CheckResponse().setInputs(writeProperties(new Map([...readProperties(request.getNews()), FRAMEWORK]))),
    ),
    configure: this.calls.unary(() =>
      new pb.ConfigureResponse()
        .setAcceptsecrets(true)
        .setSupportspreview(true)
        .setAcceptresources(true)
        .setAcceptoutputs(true),
    ),
    cancel: this.calls.unary(() => {
      this.calls.cancel();
      return new Empty();
    }),
    invoke: this.calls.unary((request: pb.InvokeRequest) => {
      throw notSupported(request.getTok());
    }),
    check: this.calls.unary(check),
    diff: this.calls.unary(diff),
    create: this.calls.unary((request: pb.CreateRequest, call) => this.create(request, call)),
    read: this.calls.unary(read),
    update: this.calls.unary((request: pb.UpdateRequest, call) => this.update(request, call)),
    delete: this.calls.unary((request: pb.DeleteRequest, call) => this.delete(request, call)),
  };

  private async create(request: pb.CreateRequest, call: AbortController): Promise<pb.CreateResponse> {
    const type = typeOf(request.getUrn());
    const inputs = readProperties(request.getProperties());
    const outputs = request.getPreview()
      ? withUnknowns(inputs)
      : new Map([
          ...inputs,
          ...NO_OUTPUT,
          ...(await runCommand(type, "create", { inputs, previous: new Map() }, this.step(request, call)))(),
        ]);
    const id = nameOf(request.getUrn()) + randomBytes(4).toString("hex");
    return new pb.CreateResponse().setId(id).setProperties(writeProperties(outputs));
  }

  private async update(request: pb.UpdateRequest, call: AbortController): Promise<pb.UpdateResponse> {
    const type = typeOf(request.getUrn());
    const state = readState(type, request.getOlds());
    const inputs = readProperties(request.getNews());
    if (request.getPreview() && isStale(type.inputs, inputs, state)) {
      return new pb.UpdateResponse().setProperties(writeProperties(withUnknowns(inputs)));
    }
    const outputs = new Map(inputs);
    for (const name of Object.keys(OUTPUTS)) outputs.set(name, { content: state.get(name)!.content });
    if (!request.getPreview()) {
      const ran = await runCommand(type, "create", { inputs, previous: state }, this.step(request, call));
      for (const [name, value] of ran()) outputs.set(name, value);
    }
    return new pb.UpdateResponse().setProperties(writeProperties(outputs));
  }

  private async delete(request: pb.DeleteRequest, call: AbortController): Promise<Empty> {
    const type = typeOf(request.getUrn());
    const state = readState(type, request.getProperties());
    await runCommand(type, "delete", { inputs: state, previous: state }, this.step(request, call));
    return new Empty();
  }

  private step(request: { getUrn(): string; getTimeout(): number }, { signal }: AbortController): DialStep {
    if (request.getTimeout()) throw new Error(notHere("no customTimeouts"));
    return { signal, log: (line) => this.log.status(request.getUrn(), line) };
  }
}

/** What it returns gives the outputs: none where there is nothing to run. */
async function runCommand(
  type: ResourceType,
  which: "create" | "delete",
  { inputs, previous }: { readonly inputs: Properties; readonly previous: Properties },
  step: DialStep,
): Promise<() => Properties> {
  const command = textIn(inputs, which);
  return command === undefined ? () => new Map() : type.run(command, inputs, previous, step);
}

function check(request: pb.CheckRequest): pb.CheckResponse {
  const type = typeOf(request.getUrn());
  const inputs = readProperties(request.getNews());
  const failures = checkFailures(inputs, type.inputs, type.requiredInputs, `${type.goName}Inputs`);
  return new pb.CheckResponse()
    .setInputs(writeProperties(failures.length ? inputs : settled(inputs, type.inputs)))
    .setFailuresList(
      failures.map(({ property, reason }) => new pb.CheckFailure().setProperty(property).setReason(reason)),
    );
}

function diff(request: pb.DiffRequest): pb.DiffResponse {
  const { inputs: fields } = typeOf(request.getUrn());
  const news = [...readProperties(request.getNews())];
  const changes = diffProperties(
    readProperties(request.getOldInputs()),
    new Map(news.filter(([name]) => name !== "version" && !name.startsWith("__"))),
  );

  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  const response = new pb.DiffResponse().setHasdetaileddiff(true).setChanges(changes.length ? DIFF_SOME : DIFF_NONE);
  // Only for the property as a whole. That a changed trigger replaces is an option which the SDK sets on the resource.
  const replaces = ({ path }: PropertyChange): boolean => !!fields[path]?.replaceOnChanges;
  for (const change of changes) {
    const kind = DIFF_KINDS[change.kind][replaces(change) ? 1 : 0];
    response.getDetaileddiffMap().set(change.path, new pb.PropertyDiff().setKind(kind));
  }
  return response
    .setDiffsList([...new Set(changes.map(({ property }) => property))])
    .setReplacesList(changes.filter(replaces).map(({ property }) => property));
}

const { Kind } = pb.PropertyDiff;
const DIFF_KINDS = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
} as const;

/** As it is: nobody looks at what a command has led to. */
function read(request: pb.ReadRequest): pb.ReadResponse {
  typeOf(request.getUrn());
  return new pb.ReadResponse()
    .setId(request.getId())
    .setInputs(writeProperties(readProperties(request.getInputs())))
    .setProperties(writeProperties(readProperties(request.getProperties())));
}

const notSupported = (token: string): RpcError =>
  new RpcError(status.NOT_FOUND, notHere(`only ${[...RESOURCE_TYPES.keys()].join(" and ")}, not ${token}`));

/** `urn:pulumi:stack::project::parent$type::name`; the name may contain `::`. */
function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const type = RESOURCE_TYPES.get(token);
  if (!type) throw notSupported(token);
  return type;
}

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** Throws where it holds what is not here: the official plugin may have written it. */
function readState(type: ResourceType, struct: Parameters<typeof readProperties>[0]): Properties {
  const state = readProperties(struct);
  const required = [...Object.keys(OUTPUTS), ...type.requiredInputs];
  const failures = checkFailures(state, { ...OUTPUTS, ...type.inputs }, required, `${type.goName}Outputs`);
  if (failures.length) throw new Error(checkFailuresText(failures));
  return state;
}
