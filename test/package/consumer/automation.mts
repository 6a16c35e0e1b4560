/** An inline program of the Automation API, as an ECMAScript module. Prints what its preview would change. */
import * as pulumi from "@pulumi/pulumi";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

async function main(): Promise<void> {
  const stack = await pulumi.automation.LocalWorkspace.createStack({
    projectName: "inline",
    stackName: "test",
    // eslint-disable-next-line @typescript-eslint/require-await
    program: async () => {
      const target = new LocalHost("here", { root: process.env.TEST_ROOT!, account: "openclaw-test" });
      const pair = new GatewayPair("claw", {
        target,
        version: "2026.9.6",
        main: { basePort: 30433 },
        rescue: { basePort: 30544 },
      });
      return { url: pair.main.url };
    },
  });
  const { changeSummary } = await stack.preview();
  process.stdout.write(JSON.stringify(changeSummary));
}

void main();
