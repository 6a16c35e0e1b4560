/** What a gateway has printed, without its secrets. */
import { pointedAt, secretsOf } from "./generation";
import type { HostGateway } from "./host";
import { redact } from "./secrets";
import { supervisorFor } from "./supervisors/choose";

const LOG_LINES = 30;

/** The last lines that a gateway printed since a position in its log, without its secrets. */
export function lastGatewayLines(
  gateway: HostGateway,
  position = 0,
  generation = pointedAt(gateway, "current"),
): string {
  const log = supervisorFor(gateway.host).logSince(gateway, position);
  const shown = generation ? redact(log, secretsOf(gateway, generation)) : log;
  return shown.trimEnd().split("\n").slice(-LOG_LINES).join("\n") || "(none)";
}
