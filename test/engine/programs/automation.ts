/** An Automation API program: `stack.up()` skips preview. Prints what came of it. */
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

async function main(): Promise<void> {
  const stack = await LocalWorkspace.createOrSelectStack({
    projectName: "automation",
    stackName: "test",
    // eslint-disable-next-line @typescript-eslint/require-await
    program: async () => {
      const target = new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" });
      const pair = new GatewayPair("claw", {
        target,
        version: "2026.9.6",
        main: { basePort: 26000 },
        rescue: { basePort: 26020 },
      });
      return { url: pair.main.url };
    },
  });
  let error = "";
  await stack
    .up({ onOutput: (text) => process.stderr.write(text) })
    .catch((thrown: unknown) => (error = String(thrown)));
  const exported = await stack.exportStack();
  const { resources = [] } = exported.deployment as { resources?: { urn: string }[] };
  process.stdout.write(JSON.stringify({ error, urns: resources.map(({ urn }) => urn) }));
}

void main();
