/** docs/reference.md: every argument and output of the public names. */
import { it } from "vitest";
import { expectCurrent } from "./page";
import { referencePage } from "./reference";
import { refusals } from "./refusals";

it("docs/reference.md is current", async () => {
  const ofArguments = (await refusals()).filter(({ isOfArguments }) => isOfArguments);
  const problems = ofArguments.flatMap((section) => section.problems);
  /** Whose arguments the gallery of errors makes mistakes with. */
  const labels: Readonly<Record<string, string>> = {
    Gateway: "ops",
    LocalHost: "here",
    SshHost: "box",
    DockerEngine: "engine",
    RescueGateway: "rescue",
    GatewayPair: "claw",
  };
  const said = (component: string, path: string): readonly string[] => [
    ...new Set(
      problems
        .filter((problem) => pathOf(problem.path) === `${labels[component]}.${path}`)
        .map(({ reason }) => reason.replace(/; it is .*/, "")),
    ),
  ];
  await expectCurrent("docs/reference.md", referencePage(said));
});

/** The path of an argument in general: a name that a user chose is `<name>`. */
const pathOf = (path: string): string =>
  path.replace(/(browser\.profiles)\.[^.]+/, "$1.<name>").replace(/(allowFrom|env|config|digests)\..*/, "$1");
