/** The provider as a whole: start, configuration, schema, end. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { refusal } from "./pluginClient";
import { forEachPlugin } from "./plugins";

const UNIMPLEMENTED = 12;

const TEXT = { type: "string" };
const TEXTS = { type: "array", items: TEXT };
const INPUTS = {
  addPreviousOutputInEnv: { type: "boolean" },
  archivePaths: TEXTS,
  assetPaths: TEXTS,
  create: TEXT,
  delete: TEXT,
  dir: TEXT,
  environment: { type: "object", additionalProperties: TEXT },
  interpreter: TEXTS,
  logging: { $ref: "#/types/command:local:Logging" },
  stdin: TEXT,
  triggers: { type: "array", items: { $ref: "pulumi.json#/Any" }, replaceOnChanges: true },
  update: TEXT,
};
const OUTPUTS = {
  archive: { $ref: "pulumi.json#/Archive" },
  assets: { type: "object", additionalProperties: { $ref: "pulumi.json#/Asset" } },
  stderr: TEXT,
  stdout: TEXT,
};

const withoutDescriptions = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === "description" ? undefined : value)));

forEachPlugin((plugin) => {
  it("is configured as a provider that takes secrets, unknowns and previews", async () => {
    expect(await plugin.client.configure()).toEqual({
      acceptsecrets: true,
      supportspreview: true,
      acceptresources: true,
      acceptoutputs: true,
      supportsAutonamingConfiguration: false,
    });
  });

  it("puts its framework's version into the provider's state", async () => {
    const inputs = { version: "1.2.1", "__pulumi-go-provider-version": "1.2.0" };
    expect(await plugin.client.checkConfig({ version: "1.2.1" })).toEqual(inputs);
  });

  it("leaves it to the engine to compare provider inputs", async () => {
    expect((await refusal(plugin.client.diffConfig())).code).toBe(UNIMPLEMENTED);
  });

  it.each(["handshake", "parameterize", "construct", "getMapping", "getMappings"] as const)(
    "does without %s",
    async (method) => expect((await refusal(plugin.client.callEmpty(method))).code).toBe(UNIMPLEMENTED),
  );

  it("has a schema", async () => {
    const { name, resources } = await plugin.client.schema();
    expect(name).toBe("command");
    expect(withoutDescriptions(resources["command:local:Command"])).toEqual({
      inputProperties: INPUTS,
      properties: { ...INPUTS, ...OUTPUTS },
      required: ["stdout", "stderr"],
    });
  });

  it("works without an engine's address, and logs once attached to one", async () => {
    const detached = await plugin.start();
    expect((await detached.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
    plugin.engine.logs.length = 0;
    await detached.attach(plugin.engine.address);
    await detached.create({ create: "echo b" });
    expect(plugin.engine.logs.map(({ message }) => message)).toEqual(["b"]);
  });

  it("works when the engine does not answer", async () => {
    const lonely = await plugin.start({ engineAddress: "127.0.0.1:1" });
    expect((await lonely.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends on %s", async (signal) => {
    const other = await plugin.start();
    process.kill(other.pid, signal);
    await sleep(500);
    expect(other.endedBy).toBe(signal);
  });
});
