/** A stack with a pair on the tests' Docker engine. */
import { deepEqual, notEqual, ok as isTrue } from "node:assert/strict";
import { join } from "node:path";
import type { DockerEngineArgs } from "../../components";
import { askGateway } from "../../inspect/ask";
import { TestStack } from "../support/engine";
import { eventually, ok, type Outcome } from "../support/processes";
import { VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import type { Dockerd } from "./dockerd";
import { OPENCLAW_REPOSITORY, STAND_IN_REPOSITORY } from "./images";
import { makeImpatient } from "./impatient";
import { portAt } from "./names";
import { installDockerPlugin } from "./plugin/build";

export type Gateway = "main" | "rescue";

export interface PairArgs {
  engine: DockerEngineArgs;
  main: Record<string, unknown>;
  rescue: Record<string, unknown>;
  /** The engine is of a machine that the same program makes. */
  isNew?: true;
}

export const PORTS = { main: portAt(190), rescue: portAt(195) };

export class DockerPair {
  readonly args: PairArgs;

  private constructor(
    private readonly dockerd: Dockerd,
    readonly stack: TestStack,
    private readonly stackName: string,
    engine: DockerEngineArgs,
  ) {
    this.args = {
      engine: { host: dockerd.host, pull: "never", ...engine },
      main: { basePort: PORTS.main },
      rescue: { basePort: PORTS.rescue },
    };
  }

  static ofOpenclaw(dockerd: Dockerd): Promise<DockerPair> {
    return DockerPair.make(dockerd, { repository: OPENCLAW_REPOSITORY }, "test", false);
  }

  /** For rows that are about us: of stand-ins for gateways, deployed without patience. `make soak` has real ones. */
  static async ofStandIns(dockerd: Dockerd, name = "test"): Promise<DockerPair> {
    if (isSoak) return DockerPair.make(dockerd, { repository: OPENCLAW_REPOSITORY }, name, false);
    const pair = await DockerPair.make(dockerd, { repository: STAND_IN_REPOSITORY }, name, true);
    await makeImpatient(pair.stack);
    return pair;
  }

  private static async make(
    dockerd: Dockerd,
    engine: DockerEngineArgs,
    name: string,
    ownLibrary: boolean,
  ): Promise<DockerPair> {
    const stack = await TestStack.create(join(__dirname, "programs/pair.ts"), name, ownLibrary);
    installDockerPlugin(stack.env.PULUMI_HOME!);
    return new DockerPair(dockerd, stack, name, engine);
  }

  preview = (...args: string[]): Promise<Outcome> => this.prepared().preview(...args);
  up = (...args: string[]): Promise<Outcome> => this.prepared().up(...args);
  /** With its preview before it, in one run: returns what each of them said. */
  async shownUp(...args: string[]): Promise<{ plan: string; update: string }> {
    const { stdout } = ok(await this.prepared().run(["up", "--yes", ...args]));
    const [plan = "", update = ""] = stdout.split("Updating (");
    return { plan, update };
  }
  prepared(): TestStack {
    this.stack.env.TEST_ARGS = JSON.stringify(this.args);
    return this.stack;
  }

  /** Brings it to where the arguments are, and there is nothing to do then. */
  async converge(...args: string[]): Promise<void> {
    ok(await this.up(...args));
    ok(await this.preview("--expect-no-changes"));
  }

  /** Is refused in preview, and touches nothing. */
  async refused(...words: string[]): Promise<void> {
    const before = await this.ids();
    const outcome = await this.preview();
    notEqual(outcome.code, 0);
    for (const word of words) isTrue(said(outcome).includes(word), `no "${word}" in ${said(outcome)}`);
    deepEqual(await this.ids(), before);
  }

  name = (gateway: Gateway): string => `openclaw-${this.stackName}-claw-${gateway}`;
  container = (gateway: Gateway) => this.dockerd.api.getContainer(this.name(gateway));

  async id(gateway: Gateway): Promise<string> {
    return (await this.container(gateway).inspect()).Id;
  }

  /** The pid of a gateway itself: the only child of its container's init, which a health check is not. */
  async pid(gateway: Gateway): Promise<number> {
    const container = this.container(gateway);
    const { State } = await container.inspect();
    const { Processes } = (await container.top()) as { Processes: string[][] };
    return Number(Processes.find(([, , parent]) => Number(parent) === State.Pid)![1]);
  }

  /** While it answers nobody, and Docker does not know yet. */
  async hanging(gateway: Gateway, action: () => Promise<void>): Promise<void> {
    const pid = await this.pid(gateway);
    process.kill(pid, "SIGSTOP");
    try {
      await action();
    } finally {
      process.kill(pid, "SIGCONT");
    }
  }

  /** Of all containers on the engine, by their names. */
  async ids(): Promise<Record<string, string>> {
    const all = await this.dockerd.api.listContainers({ all: true });
    return Object.fromEntries(all.map(({ Names, Id }) => [Names[0]!.slice(1), Id]));
  }

  async volumes(): Promise<string[]> {
    return (await this.dockerd.api.listVolumes()).Volumes.map(({ Name }) => Name).sort();
  }

  /** As its own token gets it. */
  async version(gateway: Gateway, port = PORTS[gateway]): Promise<unknown> {
    const token = (await this.stack.outputs())[`${gateway}Token`] as string;
    return answer(port, token);
  }

  async healthy(gateway: Gateway): Promise<void> {
    await eventually(`health of ${gateway}`, 60, async () => (await this.version(gateway)) === VERSION);
  }

  /** Without a destroy, which has rows of its own: what is on the engine is removed, whosever it is. */
  async dispose(): Promise<void> {
    this.stack.forget();
    for (const id of Object.values(await this.ids())) await this.dockerd.api.getContainer(id).remove({ force: true });
    for (const name of await this.volumes()) await this.dockerd.api.getVolume(name).remove();
    const networks = await this.dockerd.api.listNetworks();
    for (const { Name, Id } of networks)
      if (!["bridge", "host", "none"].includes(Name)) await this.dockerd.api.getNetwork(Id).remove();
  }
}

/** The version that a gateway tells to who has its token; nothing where it does not answer. */
export const answer = async (port: number, token: string): Promise<unknown> =>
  (await askGateway(port, "/startupz", { headers: { authorization: `Bearer ${token}` } }))?.["version"];

export const said = ({ stdout, stderr }: Outcome): string => stdout + stderr;
