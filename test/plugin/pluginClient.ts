/** Starts a provider plugin as the engine does and speaks gRPC with it. Property maps are plain objects in wire form. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { credentials, type ClientUnaryCall, type ServiceError } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Properties = Record<string, Json>;

/** A refused call: the gRPC status code and its message. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export interface StartOptions {
  readonly engineAddress?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface StepOptions {
  readonly preview?: boolean;
  readonly timeout?: number;
  /** Gives the call up, as an engine does that ends. */
  readonly signal?: AbortSignal;
}

export interface Diff {
  readonly changes: "unknown" | "none" | "some";
  readonly diffs: readonly string[];
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** Such as `triggers[0]: update`, sorted. */
  readonly detailed: readonly string[] | "none";
}

export const URN = "urn:pulumi:dev::project::command:local:Command::res";
const MEGABYTE = 1024 * 1024;
const CHANGES = ["unknown", "none", "some"] as const;
const DIFF_KINDS = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];

const toStruct = (properties: Properties): Struct => Struct.fromJavaScript(properties);
const fromStruct = (struct: Struct | undefined): Properties => struct?.toJavaScript() ?? {};

export class PluginClient {
  private constructor(
    private readonly process: ChildProcess,
    private readonly client: ResourceProviderClient,
  ) {}

  static async start(executable: string, options: StartOptions = {}): Promise<PluginClient> {
    const child = spawn(executable, options.engineAddress ? [options.engineAddress] : [], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [port] = (await once(createInterface(child.stdout), "line")) as [string];
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": 100 * MEGABYTE,
      "grpc.max_send_message_length": 100 * MEGABYTE,
    });
    return new PluginClient(child, client);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get endedBy(): NodeJS.Signals | null {
    return this.process.signalCode;
  }

  async stop(): Promise<void> {
    this.client.close();
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  async configure(): Promise<pb.ConfigureResponse.AsObject> {
    const request = new pb.ConfigureRequest().setAcceptsecrets(true).setAcceptresources(true);
    request.setSendsOldInputs(true).setSendsOldInputsToDelete(true);
    return (await this.call<pb.ConfigureResponse>("configure", request)).toObject();
  }

  async checkConfig(news: Properties): Promise<Properties> {
    const request = new pb.CheckRequest().setUrn(URN).setNews(toStruct(news));
    return fromStruct((await this.call<pb.CheckResponse>("checkConfig", request)).getInputs());
  }

  async diffConfig(): Promise<unknown> {
    return (await this.call<pb.DiffResponse>("diffConfig", new pb.DiffRequest().setUrn(URN))).toObject();
  }

  async handshake(): Promise<void> {
    await this.call("handshake", new pb.ProviderHandshakeRequest());
  }

  async invoke(token: string, args: Properties): Promise<Properties> {
    const request = new pb.InvokeRequest().setTok(token).setArgs(toStruct(args));
    return fromStruct((await this.call<pb.InvokeResponse>("invoke", request)).getReturn());
  }

  async check(news: Properties, urn = URN): Promise<{ inputs: Properties; failures: Record<string, string> }> {
    const request = new pb.CheckRequest().setUrn(urn).setNews(toStruct(news));
    const response = await this.call<pb.CheckResponse>("check", request);
    const failures = response.getFailuresList().map((one): [string, string] => [one.getProperty(), one.getReason()]);
    return { inputs: fromStruct(response.getInputs()), failures: Object.fromEntries(failures) };
  }

  async diff(state: Properties, oldInputs: Properties, news: Properties, urn = URN): Promise<Diff> {
    const request = new pb.DiffRequest().setId("res1").setUrn(urn);
    request.setOlds(toStruct(state)).setOldInputs(toStruct(oldInputs)).setNews(toStruct(news));
    const response = await this.call<pb.DiffResponse>("diff", request);
    const detailed: string[] = [];
    response.getDetaileddiffMap().forEach((diff, path) => detailed.push(`${path}: ${DIFF_KINDS[diff.getKind()]}`));
    return {
      changes: CHANGES[response.getChanges()],
      diffs: response.getDiffsList().sort(),
      replaces: response.getReplacesList().sort(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
      detailed: response.getHasdetaileddiff() ? detailed.sort() : "none",
    };
  }

  async create(inputs: Properties, options: StepOptions = {}, urn = URN): Promise<{ id: string; outputs: Properties }> {
    const request = new pb.CreateRequest().setUrn(urn).setProperties(toStruct(inputs));
    request.setPreview(options.preview ?? false).setTimeout(options.timeout ?? 0);
    const response = await this.call<pb.CreateResponse>("create", request, options.signal);
    return { id: response.getId(), outputs: fromStruct(response.getProperties()) };
  }

  async update(state: Properties, news: Properties, options: StepOptions = {}, urn = URN): Promise<Properties> {
    const request = new pb.UpdateRequest().setId("res1").setUrn(urn).setOlds(toStruct(state)).setNews(toStruct(news));
    request.setPreview(options.preview ?? false).setTimeout(options.timeout ?? 0);
    return fromStruct((await this.call<pb.UpdateResponse>("update", request)).getProperties());
  }

  async read(
    properties: Properties,
    inputs: Properties,
    urn = URN,
  ): Promise<{ id: string; properties: Properties; inputs: Properties }> {
    const request = new pb.ReadRequest().setId("res1").setUrn(urn);
    request.setProperties(toStruct(properties)).setInputs(toStruct(inputs));
    const response = await this.call<pb.ReadResponse>("read", request);
    return {
      id: response.getId(),
      properties: fromStruct(response.getProperties()),
      inputs: fromStruct(response.getInputs()),
    };
  }

  async delete(state: Properties, options: StepOptions = {}, urn = URN): Promise<void> {
    const request = new pb.DeleteRequest().setId("res1").setUrn(urn).setProperties(toStruct(state));
    await this.call("delete", request.setTimeout(options.timeout ?? 0));
  }

  async cancel(): Promise<void> {
    await this.call("cancel", new Empty());
  }

  private call<Response>(method: keyof ResourceProviderClient, request: unknown, signal?: AbortSignal) {
    return new Promise<Response>((resolve, reject) => {
      const done = (error: ServiceError | null, response: Response): void =>
        error ? reject(error) : resolve(response);
      const client = this.client as unknown as Record<
        string,
        (request: unknown, callback: typeof done) => ClientUnaryCall
      >;
      const call = client[method]!(request, done);
      signal?.addEventListener("abort", () => call.cancel());
    });
  }
}

/** The refusal that a call must end with. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, message: details };
  }
  throw new Error("the call was not refused");
}
