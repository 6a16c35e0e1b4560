/** Looks at a host over SSH, before anything on it is touched. */
import type { Connection } from "../../../model/connection";
import { builtFile, hostScript } from "../bootstrap";
import type { GatewayToCheck } from "../target";
import { noShell, problemOf, strangeAnswer } from "./refusals";
import { type HostAnswer } from "../../../ssh/answer";
import type * as client from "../../../ssh/ask";
import { parseProbe, probeScript } from "./probe";
import { hostProblemsOf, type HostProblems, type LookedAtHost, nothingFound } from "./hostProblems";

/** Its name in dist/. */
const CLIENT = "ssh.cjs";

export async function inspectHost(
  host: LookedAtHost,
  connection: Connection,
  gateways: readonly GatewayToCheck[],
): Promise<HostProblems> {
  const script = probeScript(hostScript("look.sh"), host.layout, host.sudo, gateways);
  const answer = await loadClient().askHost(connection, script);
  return findingsIn(answer, host, connection, gateways);
}

function findingsIn(
  answer: HostAnswer,
  host: LookedAtHost,
  connection: Connection,
  gateways: readonly GatewayToCheck[],
): HostProblems {
  const { name } = host;
  const nothing = nothingFound(gateways);
  if ("silence" in answer)
    return {
      ...nothing,
      warnings: [`${name}: the host does not answer (${answer.silence}), so nothing on it was checked`],
    };
  if ("at" in answer) {
    const { hostKey = "" } = answer.at === "proxy" ? connection.proxy! : connection;
    return { ...nothing, problems: [problemOf(answer, name, hostKey)] };
  }
  const facts = parseProbe(answer.output, gateways.length);
  if (facts === undefined) return { ...nothing, problems: [noShell(name, connection.user, answer)] };
  if (facts === "strange") return { ...nothing, problems: [strangeAnswer(host)] };
  return hostProblemsOf(host, facts, gateways);
}

/** Loaded only by programs with such a host. */
function loadClient(): typeof client {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(builtFile(CLIENT)) as typeof client;
}
