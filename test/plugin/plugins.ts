/** The plugins under test: the stand-in, built for the occasion, and the official one where it is installed. */
import { afterAll, beforeAll, describe, inject } from "vitest";
import { officialPlugin } from "../support/officialPlugin";
import { startFakeEngine, type FakeEngine } from "./fakeEngine";
import { PluginClient, type StartOptions } from "./pluginClient";

export interface PluginUnderTest {
  readonly executable: string;
  /** Configured, connected to `engine` and shared by the rows of a table. */
  readonly client: PluginClient;
  readonly engine: FakeEngine;
  /** Another process of the same plugin, ended with the table. */
  start(options?: StartOptions): Promise<PluginClient>;
  /** One like `client`, for who cancels it: it is of no more use then. */
  fresh(): Promise<PluginClient>;
}

const NOT_INSTALLED =
  "skipped: the official plugin is not installed in Pulumi's home, not on PATH, and not named by PULUMI_COMMAND_PLUGIN";

/** Defines the same tests for the stand-in and for the official plugin. */
export function forEachPlugin(define: (plugin: PluginUnderTest) => void): void {
  forStandIn(define);
  const official = officialPlugin("command", "1.2.1");
  if (!official) console.log(NOT_INSTALLED);
  describe.skipIf(!official)(official ? "official plugin" : `official plugin (${NOT_INSTALLED})`, () =>
    define(plugin(official!)),
  );
}

/** Defines tests of what only the stand-in does. */
export function forStandIn(define: (plugin: PluginUnderTest) => void): void {
  describe("stand-in", () => define(plugin(inject("standIn"))));
}

function plugin(executable: string): PluginUnderTest {
  const started: PluginClient[] = [];
  let engine: FakeEngine;
  let client: PluginClient;
  const start = async (options: StartOptions = {}): Promise<PluginClient> => {
    const another = await PluginClient.start(executable, options);
    started.push(another);
    return another;
  };
  const fresh = async (): Promise<PluginClient> => {
    const another = await start({ engineAddress: engine.address });
    await another.configure();
    return another;
  };
  beforeAll(async () => {
    engine = await startFakeEngine();
    client = await fresh();
  });
  afterAll(async () => {
    await Promise.all(started.map((one) => one.stop()));
    engine.stop();
  });
  return {
    executable,
    start,
    fresh,
    get client() {
      return client;
    },
    get engine() {
      return engine;
    },
  };
}
