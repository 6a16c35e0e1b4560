/**
 * The Automation API: a pair from your own program, without the project files of the pulumi CLI.
 * Here, too, problems are found before anything is touched, even though `up` skips the preview.
 *
 *   node -r ts-node/register automation.ts          # preview
 *   node -r ts-node/register automation.ts up
 */
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { GatewayPair, LocalHost } from "pulumi-openclaw";

async function main(command: string | undefined): Promise<void> {
  const stack = await LocalWorkspace.createOrSelectStack({
    projectName: "claw",
    stackName: "dev",
    program: () => {
      const pair = new GatewayPair("claw", {
        target: new LocalHost("here"),
        version: "2026.9.6",
        main: { basePort: 18789 },
        rescue: { basePort: 19789 },
      });
      return Promise.resolve({ main: pair.main.url, rescue: pair.rescue.url });
    },
  });
  const onOutput = (text: string): void => void process.stdout.write(text);
  if (command === "up") {
    const { outputs } = await stack.up({ onOutput });
    console.log("main:", outputs["main"]?.value, "rescue:", outputs["rescue"]?.value);
  } else {
    const { changeSummary } = await stack.preview({ onOutput });
    console.log(changeSummary);
  }
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
