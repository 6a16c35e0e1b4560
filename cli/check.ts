/**
 * The "Quick checks" of OpenClaw's page "Multiple gateways", for every gateway of a stack and for those that no stack owns:
 * asked through the right command line, within a bounded time, and interpreted.
 */
import { listeners } from "../inspect/listeners";
import { askGateway } from "./ask";
import type { StackGateways } from "./gateways";
import { interpret, interpretListeners, interpretUnits, type Finding, type StatusRow } from "./interpret";
import { renderTable } from "./table";
import { gatewayUnits, type Unit } from "../inspect/units";
import { withAdvice } from "../model/failure";

/** How OpenClaw names its process; the kernel keeps 15 characters. */
const PROCESS_NAME = "openclaw-gatewa";

/** What a check found. `ok`: nothing is really wrong. */
export interface CheckResult {
  readonly ok: boolean;
  readonly gateways: readonly StatusRow[];
  readonly findings: readonly Finding[];
}

export async function checkGateways(
  { gateways, neverUp, elsewhere = [] }: StackGateways,
  units: readonly Unit[] = gatewayUnits(),
): Promise<CheckResult> {
  const checked = await Promise.all(
    gateways.map(async (gateway) => interpret({ gateway, answers: await askGateway(gateway) }, gateways)),
  );
  const gatewayPorts = listeners(() => true)
    .filter(({ command }) => command === PROCESS_NAME)
    .map(({ port }) => port);
  const findings = unique([
    ...neverUp.map(neverHealthy),
    ...elsewhere.map(onAnotherMachine),
    ...checked.flatMap((each) => each.findings),
    ...interpretUnits(units, gateways),
    ...interpretListeners([...new Set(gatewayPorts)], gateways),
  ]);
  return { ok: !findings.some(({ level }) => level === "problem"), gateways: checked.map(({ row }) => row), findings };
}

const neverHealthy = (gateway: string): Finding => ({
  level: "problem",
  gateway,
  text: "is in the stack, but has never become healthy",
  advice: "run `pulumi up`: it continues, or says what is wrong",
});

const onAnotherMachine = (gateway: string): Finding => ({
  level: "note",
  gateway,
  text: "runs on another machine, so it was not checked",
  advice: "check it there, with the command in its output `wrapper`: … gateway status --deep --require-rpc",
});

/** What every gateway says about the machine is shown once. */
function unique(findings: readonly Finding[]): Finding[] {
  return [
    ...new Map(
      findings.map((each) => [`${each.level} ${each.text} ${isShared(each) ? "" : each.gateway}`, each]),
    ).values(),
  ];
}

const isShared = ({ level, text }: Finding): boolean =>
  level === "note" && /^(another service|`gateway probe`)/.test(text);

const HEADER = ["GATEWAY", "PORT", "SERVICE", "PROBE", "STATUS", "BROWSER", "CHANNELS"] as const;

/** The result as people read it. */
export function render({ ok, gateways, findings }: CheckResult): string {
  if (!gateways.length && !findings.length) return "There is no gateway to check.";
  const table = renderTable([
    HEADER,
    ...gateways.map((row) => [
      row.gateway,
      String(row.port),
      row.service,
      row.probe,
      row.status,
      row.browser,
      row.channels,
    ]),
  ]);
  const said = (level: Finding["level"]): string[] =>
    findings
      .filter((each) => each.level === level)
      .map(({ gateway, text, advice }) =>
        advice === undefined ? `${level}: ${gateway}: ${text}` : withAdvice(`${level}: ${gateway}: ${text}`, advice),
      );
  return [
    ...(gateways.length ? [table] : []),
    ...said("problem"),
    ...said("note"),
    gateways.length || !ok ? (ok ? "Nothing is wrong." : "Something is wrong.") : "No gateway was checked.",
  ].join("\n\n");
}
