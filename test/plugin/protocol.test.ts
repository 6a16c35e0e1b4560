/** The provider as a whole: start, configuration, end. */
import { expect, it } from "vitest";
import { refusal } from "./pluginClient";
import { forEachPlugin } from "./plugins";

const UNIMPLEMENTED = 12;

forEachPlugin((plugin) => {
  it("the plugin is configured as a provider that accepts secrets, unknowns and previews", async () => {
    expect(await plugin.client.configure()).toEqual({
      acceptsecrets: true,
      supportspreview: true,
      acceptresources: true,
      acceptoutputs: true,
      supportsAutonamingConfiguration: false,
    });
  });

  it("the plugin puts its framework's version into the provider's state", async () => {
    const inputs = { version: "1.2.1", "__pulumi-go-provider-version": "1.2.0" };
    expect(await plugin.client.checkConfig({ version: "1.2.1" })).toEqual(inputs);
  });

  it("the plugin leaves it to the engine to compare provider inputs", async () => {
    expect((await refusal(plugin.client.diffConfig())).code).toBe(UNIMPLEMENTED);
  });

  it("the plugin works without a handshake", async () => {
    expect((await refusal(plugin.client.handshake())).code).toBe(UNIMPLEMENTED);
  });

  it("the plugin works when the engine does not answer", async () => {
    const lonely = await plugin.start({ engineAddress: "127.0.0.1:1" });
    expect((await lonely.create({ create: "echo a" })).outputs).toMatchObject({ stdout: "a" });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("the plugin exits on %s", async (signal) => {
    const other = await plugin.start();
    process.kill(other.pid, signal);
    await expect.poll(() => other.endedBy, { interval: 20, timeout: 5000 }).toBe(signal);
  });
});
