/** Looks at a host over SSH, before anything on it is touched. */
import type { Connection } from "../../../model/connection";
import { builtFile, hostScript } from "../bootstrap";
import type { GatewayToCheck } from "../target";
import { noShell, problemOf, strangeAnswer } from "./answer";
import { type Answer } from "../../../ssh/answer";
import type * as client from "../../../ssh/ask";
import { parseFacts, renderScript } from "./facts";
import { findingsOf, type Findings, type LookedAtHost } from "./findings";

/** Its name in dist/. */
const CLIENT = "ssh.cjs";

export async function lookAt(
  host: LookedAtHost,
  connection: Connection,
  gateways: readonly GatewayToCheck[],
): Promise<Findings> {
  const script = renderScript(hostScript("look.sh"), host.layout, host.sudo, gateways);
  const answer = await loadClient().ask(connection, script);
  return findingsIn(answer, host, connection, gateways);
}

function findingsIn(
  answer: Answer,
  host: LookedAtHost,
  connection: Connection,
  gateways: readonly GatewayToCheck[],
): Findings {
  const { name } = host;
  const nothing: Findings = { problems: [], obstacles: gateways.map(() => []), warnings: [], lost: [] };
  if ("silence" in answer)
    return {
      ...nothing,
      warnings: [`${name}: the host does not answer (${answer.silence}), so nothing on it was checked`],
    };
  if ("at" in answer) {
    const { hostKey = "" } = answer.at === "proxy" ? connection.proxy! : connection;
    return { ...nothing, problems: [problemOf(answer, name, hostKey)] };
  }
  const facts = parseFacts(answer.output, gateways.length);
  if (facts === undefined) return { ...nothing, problems: [noShell(name, connection.user, answer)] };
  if (facts === "strange") return { ...nothing, problems: [strangeAnswer(host)] };
  return findingsOf(host, facts, gateways);
}

/** Loaded only by programs with such a host. */
function loadClient(): typeof client {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(builtFile(CLIENT)) as typeof client;
}
