/** What the answers mean, in the words of OpenClaw's page "Multiple gateways". Pure. */
import type { Json, JsonObject } from "../model/spec";
import { valueAt } from "../model/json";
import { contains, formatRange, portBlock } from "../model/ports";
import {
  channelAccountName,
  complaintOf,
  isFailing,
  readChannels,
  type ChannelAccount,
  type FailingAccount,
} from "../model/channels";
import { NODE_COMPLAINT, type CommandAnswer, type Answers, type Report } from "./ask";
import { isImpostors } from "../inspect/health";
import { shellQuoted, type CheckedGateway } from "./gateways";
import { gatewayLogFile } from "../model/hostLayout";
import type { Unit } from "../inspect/units";
import { defined } from "../model/defined";

/** `problem`: really wrong, the check fails. `note`: worth knowing. */
export interface Finding {
  readonly level: "problem" | "note";
  readonly gateway: string;
  readonly text: string;
  readonly advice?: string;
}

/** One row of the table. */
export interface StatusRow {
  readonly gateway: string;
  readonly port: number;
  /** Of `gateway status --deep --require-rpc`. */
  readonly service: string;
  /** Of `gateway probe`. */
  readonly probe: string;
  /** Of `status`. */
  readonly status: string;
  /** Of `browser status`. */
  readonly browser: string;
  /** Of `channels status --probe`. */
  readonly channels: string;
}

const NOT_ASKED = "not asked";

export interface Checked {
  readonly gateway: CheckedGateway;
  readonly answers: Answers;
}

/** The table row of one gateway, and the findings about it. `all`: every gateway that was checked. */
export function interpret(
  { gateway, answers }: Checked,
  all: readonly CheckedGateway[],
): { row: StatusRow; findings: Finding[] } {
  const service = readService(gateway, answers);
  const probe = readProbe(gateway, answers, all);
  const status = readStatus(gateway, answers);
  const browser = readBrowser(gateway, answers);
  const channels = readChannelStatus(gateway, answers);
  return {
    row: {
      gateway: gateway.name,
      port: gateway.port,
      service: service.cell,
      probe: probe.cell,
      status: status.cell,
      browser: browser.cell,
      channels: channels.cell,
    },
    findings: [service, probe, status, browser, channels].flatMap(({ findings }) => findings),
  };
}

interface Reading {
  readonly cell: string;
  readonly findings: Finding[];
}

const reading = (cell: string, ...findings: Finding[]): Reading => ({ cell, findings });
const json = (report: Report): JsonObject => (report ?? {}) as JsonObject;
const text = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
const list = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);

function readService(gateway: CheckedGateway, { health, service }: Answers): Reading {
  if (isImpostors(health))
    return problem(
      gateway,
      "another program",
      `${health}, on port ${gateway.port}`,
      "stop that program, then start the gateway: see docs/runbook.md",
    );
  if (!service) return readHealthAlone(gateway, health);
  if (!service.report) return readFailedStatus(gateway, service);
  const report = json(service.report);
  const isUnready = health.startsWith("up, not ready");
  if (valueAt(report, "rpc.ok") === true) return readAnswering(gateway, report, isUnready ? health : undefined);
  // Without any token, OpenClaw does not even connect; the gateway's own endpoints show that it is up.
  if (!gateway.isOurs && isUnready) return notReady(gateway, health);
  return readRefusing(gateway, report, health);
}

const problem = ({ name }: CheckedGateway, cell: string, text: string, advice?: string): Reading =>
  reading(cell, defined({ level: "problem", gateway: name, text, advice }));

const and = (first: Reading, more: readonly Finding[]): Reading => ({
  ...first,
  findings: [...first.findings, ...more],
});

const notReady = (gateway: CheckedGateway, health: string): Reading =>
  problem(
    gateway,
    health,
    `is ${health}`,
    `${logAdvice(gateway)}; \`channels status --probe\` shows why a channel fails`,
  );

/** Where it writes down what happens. */
const logAdvice = ({ command, stateDir, published }: CheckedGateway): string =>
  published
    ? `look at its log: docker logs ${/^docker .*\bexec (\S+)/.exec(command)?.[1] ?? "CONTAINER"}`
    : `look at its log: tail -n 50 ${shellQuoted(gatewayLogFile(stateDir))}`;

/** Of a gateway whose command line was not asked. */
function readHealthAlone(gateway: CheckedGateway, health: string): Reading {
  const reason: Finding = {
    level: "note",
    gateway: gateway.name,
    text: "belongs to another user, so only its HTTP endpoints were checked",
    advice: "for more, run the check as that user",
  };
  if (health === "healthy") return reading(health, reason);
  return and(problem(gateway, health, `is not healthy: ${health}`, startAdvice(gateway)), [reason]);
}

function readFailedStatus(gateway: CheckedGateway, { code, complaint }: CommandAnswer): Reading {
  const command = `\`${gateway.command} gateway status\``;
  const advice = gateway.isOurs ? "run `pulumi up`" : commandAdvice(gateway, NODE_COMPLAINT.test(complaint));
  return code === null
    ? problem(gateway, "no answer", `${command} did not finish in time`, advice)
    : problem(gateway, "not run", `${command} failed: ${complaint || `exit code ${code}`}`, advice);
}

/** Of a gateway that no stack owns: this shell has no `openclaw`, or another Node.js than that gateway. */
function commandAdvice({ isDescribed }: CheckedGateway, isNode: boolean): string {
  const path = isNode
    ? "run this where a Node.js that is new enough comes first in PATH"
    : "run this where `openclaw` is in PATH";
  const command = isNode ? "env PATH=/NEWER/NODE/bin:/usr/bin:/bin openclaw" : "/WHERE/IT/IS/openclaw";
  return isDescribed
    ? `${path}, or set \`existingMain.command\` of the rescue gateway (in the ready stack: ` +
        `make config ARGS="set --path rescue.existingMain.command '${command}'"), then \`pulumi up\``
    : path;
}

/** `unready`: what its health is instead. */
function readAnswering(gateway: CheckedGateway, report: JsonObject, unready: string | undefined): Reading {
  const { version } = gateway;
  const running = text(valueAt(report, "gateway.version")) ?? text(valueAt(report, "rpc.version"));
  if (version !== undefined && running !== undefined && running !== version)
    return problem(
      gateway,
      `up, ${running}`,
      `runs OpenClaw ${running}, but the stack says ${version}`,
      "run `pulumi up`",
    );
  const stale = staleServices(gateway, report);
  return unready === undefined
    ? { cell: `up, ${running ?? "unknown version"}`, findings: stale }
    : and(notReady(gateway, unready), stale);
}

/** Something may listen on its port, but it does not speak with us. */
function readRefusing(gateway: CheckedGateway, report: JsonObject, health: string): Reading {
  const { name, port, isOurs } = gateway;
  const isRejected = text(valueAt(report, "rpc.connectFailure.kind")) === "auth-rejected";
  if (!isOurs && (isRejected || health === "healthy"))
    return reading("up", {
      level: "note",
      gateway: name,
      text: "is up, but this shell does not have its token",
      advice: "nothing to do; for more, run its own `gateway status` where the token is set",
    });
  if (isRejected)
    return problem(
      gateway,
      "wrong token",
      `the process on port ${port} refuses this gateway's token: it is another gateway, or still has an old token`,
      "find out what listens (ss -ltnp), stop it, then run `pulumi up`",
    );
  const holders = list(valueAt(report, "port.listeners")).map(describeReported);
  if (holders.length)
    return problem(
      gateway,
      "another program",
      `${holders.join(" and ")} listens on port ${port} but does not answer as a gateway`,
      "stop that program, then start the gateway",
    );
  const down = problem(gateway, "down", `is down: nothing listens on port ${port}`, startAdvice(gateway));
  return and(down, staleServices(gateway, report));
}

const describeReported = ({ command, pid }: JsonObject): string =>
  `${text(command) ?? "a program"}${typeof pid === "number" ? ` (pid ${pid})` : ""}`;

const startAdvice = ({ isOurs, restart }: CheckedGateway): string =>
  restart ?? (isOurs ? "start it (see docs/runbook.md), or run `pulumi up`" : "start it as you did before");

/** Services that OpenClaw itself calls extra. */
function staleServices({ name }: CheckedGateway, report: JsonObject): Finding[] {
  return list(report.extraServices).map((service) => ({
    level: "note",
    gateway: name,
    text: `another service of a gateway is installed: ${text(service.label) ?? "unnamed"} (${text(service.detail) ?? ""})`,
    advice: "if it is from an older installation, disable it and remove its file",
  }));
}

function readProbe(gateway: CheckedGateway, { service, probe }: Answers, all: readonly CheckedGateway[]): Reading {
  if (!service || !probe) return reading(NOT_ASKED);
  const report = json(probe.report);
  const reachable = list(report.targets).filter((target) => valueAt(target, "connect.ok") === true);
  const strangers = reachable
    // Those are listed because somebody configured them.
    .filter(({ kind }) => !["explicit", "configRemote"].includes(text(kind) ?? ""))
    .map(({ url }) => text(url) ?? "")
    .filter((url) => !all.some(({ port }) => isOn(url, port)));
  const cell = reachable.length ? `${reachable.length} reachable` : "none reachable";
  const several = list(report.warnings).some(({ code }) => code === "multiple_gateways");
  if (!several) return reading(service.report ? cell : NOT_ASKED);
  return strangers.length
    ? reading(cell, {
        level: "problem",
        gateway: gateway.name,
        text: `\`gateway probe\` reaches a gateway that is not among those checked: ${strangers.join(", ")}`,
        advice: "find out who runs it before you trust this machine's gateways",
      })
    : reading(cell, {
        level: "note",
        gateway: gateway.name,
        text: "`gateway probe` warns about several gateways: this is expected, they run on purpose",
      });
}

function isOn(url: string, port: number): boolean {
  try {
    const { hostname, port: its } = new URL(url);
    return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) && Number(its) === port;
  } catch {
    return false;
  }
}

function readStatus(gateway: CheckedGateway, { status }: Answers): Reading {
  const { name } = gateway;
  if (!status) return reading(NOT_ASKED);
  if (!status.report) return reading("no answer", noReport(gateway, "status"));
  const report = json(status.report);
  const degraded = [
    ...(list(report.degradedSecretOwners).length ? ["secrets"] : []),
    ...(list(report.degradedPlugins).length ? ["plugins"] : []),
    ...(valueAt(report, "modelRuntime.degraded") === true ? ["models"] : []),
    ...(valueAt(report, "eventLoop.degraded") === true ? ["event loop"] : []),
  ];
  if (!degraded.length) return reading("ok");
  const what = `is degraded: ${degraded.join(", ")}`;
  return reading(`degraded: ${degraded.join(", ")}`, {
    level: "note",
    gateway: name,
    text: what,
    advice: "run its `status` command for details",
  });
}

function readBrowser(gateway: CheckedGateway, { browser }: Answers): Reading {
  if (!browser) return reading(NOT_ASKED);
  if (!browser.report) return reading("no answer", noReport(gateway, "browser status"));
  const report = json(browser.report);
  if (report.enabled === false) return reading("disabled");
  const { cdpPort } = report;
  const cell = `${report.running === true ? "running" : "not running"}${typeof cdpPort === "number" ? `, CDP ${cdpPort}` : ""}`;
  return reading(cell, ...(typeof cdpPort === "number" ? cdpNote(gateway, cdpPort, text(report.cdpUrl)) : []));
}

function readChannelStatus(gateway: CheckedGateway, { channels, configured = [] }: Answers): Reading {
  if (!channels) return reading(NOT_ASKED);
  if (!channels.report) return reading("no answer", noReport(gateway, "channels status --probe"));
  const accounts = readChannels(json(channels.report), configured);
  if (!accounts.length) return reading("none");
  const findings = accounts.filter(isFailing).map((account) => channelFinding(gateway, account));
  const advised = list(json(channels.report).statusIssues).flatMap((issue) => issueFinding(gateway, issue, accounts));
  return reading(accounts.map(channelCell).join(", "), ...findings, ...advised);
}

const channelCell = (account: ChannelAccount): string =>
  account.state.is === "connected" ? channelAccountName(account) : `${channelAccountName(account)} ${account.state.is}`;

/** A bot of somebody else's gateway may be off on purpose. */
const channelFinding = (gateway: CheckedGateway, account: FailingAccount): Finding => ({
  level: gateway.isOurs ? "problem" : "note",
  gateway: gateway.name,
  text: complaintOf(account),
  advice: `look closer with \`${gateway.command} channels status --probe\`; ${logAdvice(gateway)}`,
});

/** What OpenClaw itself notices about a channel that works. */
function issueFinding({ name }: CheckedGateway, issue: JsonObject, accounts: readonly ChannelAccount[]): Finding[] {
  const [channel, account, message] = [text(issue.channel), text(issue.accountId), text(issue.message)];
  const about = accounts.find((each) => each.channel === channel && each.account === account);
  if (message === undefined || channel === undefined || (about && isFailing(about))) return [];
  return [defined({ level: "note", gateway: name, text: `channel ${channel}: ${message}`, advice: text(issue.fix) })];
}

/** Its own port outside its block is allowed, but worth a look. In a container, nothing else can take that port. */
function cdpNote({ name, port, published }: CheckedGateway, cdpPort: number, url: string | undefined): Finding[] {
  const isLocal = url === undefined || isOn(url, cdpPort);
  if (!isLocal || published || contains(portBlock(port), cdpPort)) return [];
  const what = `its browser's CDP port ${cdpPort} is outside its ports ${formatRange(portBlock(port))}`;
  return [{ level: "note", gateway: name, text: what, advice: "keep it unique on this machine" }];
}

const noReport = (gateway: CheckedGateway, command: string): Finding => ({
  level: "problem",
  gateway: gateway.name,
  text: `\`${command}\` did not answer in time`,
  advice: logAdvice(gateway),
});

/** Ports on this machine that belong to a gateway. */
const blockOf = ({ port, published }: CheckedGateway) => published ?? portBlock(port);

/** Units that start none of the gateways that were checked, or one of them a second time. */
export function interpretUnits(units: readonly Unit[], all: readonly CheckedGateway[]): Finding[] {
  return units.flatMap(({ path, port }): Finding[] => {
    if (all.some(({ restart }) => restart !== undefined && path.endsWith(unitOf(restart)))) return [];
    const hit = all.find((each) => port !== undefined && contains(blockOf(each), port));
    if (hit && !hit.isOurs) return []; // its own unit, whatever its name
    if (hit)
      return [
        {
          level: "problem",
          gateway: hit.name,
          text: `${path} would start a gateway on port ${port}, which is one of its ports: the two services would stop each other`,
          advice: "disable that service and remove its file",
        },
      ];
    const what = `${path} starts a gateway that is not one of these`;
    return [
      { level: "note", gateway: "this machine", text: what, advice: "if it is stale, disable it and remove its file" },
    ];
  });
}

const unitOf = (restart: string): string =>
  `/${restart
    .split(" ")
    .at(-1)!
    .replace(/\.service$/, "")}.service`;

/** A gateway process on a port that belongs to none of the gateways that were checked. */
export function interpretListeners(ports: readonly number[], all: readonly CheckedGateway[]): Finding[] {
  return ports
    .filter((port) => !all.some((each) => contains(blockOf(each), port)))
    .map((port) => ({
      level: "note",
      gateway: "this machine",
      text: `another gateway listens on port ${port}`,
      advice: "nothing to do if you run it on purpose",
    }));
}
