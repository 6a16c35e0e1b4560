/**
 * The `systemd` supervisor: a system unit for each gateway where we are root, else a unit of the user's own manager. The
 * unit never changes with a generation: it starts whatever is current. It starts again after a reboot.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../../model/failure";
import { mostProcesses, oomScore } from "../fences";
import { makeDir, removeTree, settleFile } from "../files";
import type { Host, HostGateway } from "../host";
import { hostCommand, SYSTEM_PATH, wrapperName, type HostLayout } from "../../model/hostLayout";
import { DRAIN_TIMEOUT_MS, STOP_TIMEOUT_MS, UNIT_POLL_MS } from "../limits";
import { EXIT_UNRECOVERABLE, watchExit, type Supervisor } from "./supervisor";
import { isOurUnit, unitHeader, unitName } from "../../inspect/units";

const COMMAND_TIMEOUT_MS = 30_000;
const RESTART_SECONDS = 5;
const LOG_LINES = "200";

/** Directory of the units of a host's gateways. */
const unitDir = ({ account }: HostLayout): string =>
  account === null ? join(userInfo().homedir, ".config", "systemd", "user") : "/etc/systemd/system";

const unitPath = ({ host, id }: HostGateway): string => join(unitDir(host.layout), unitName(id));

function command(host: Host, program: "systemctl" | "journalctl", args: readonly string[]) {
  const user = host.layout.account === null;
  return spawnSync(program, [...(user ? ["--user"] : []), ...args], {
    env: { PATH: SYSTEM_PATH, LANG: "C.UTF-8", ...(user && { XDG_RUNTIME_DIR: `/run/user/${process.getuid!()}` }) },
    encoding: "utf8",
    timeout: COMMAND_TIMEOUT_MS,
  });
}

function systemctl(host: Host, ...args: string[]): void {
  const { status, stderr, error } = command(host, "systemctl", args);
  if (status === 0) return;
  throw new Failure(
    `systemctl ${args.join(" ")} failed: ${error?.message ?? stderr.trim()}`,
    "see `journalctl -xe` on the host, and run `pulumi up` again",
  );
}

export const systemdSupervisor: Supervisor = {
  async start(gateway) {
    const { host } = gateway;
    await this.stop(gateway, false);
    this.settle(gateway);
    systemctl(host, "start", "--no-block", unitName(gateway.id));
  },

  settle(gateway) {
    const { host } = gateway;
    const path = unitPath(gateway);
    makeDir(unitDir(host.layout));
    if (settleFile(path, unitText(gateway))) systemctl(host, "daemon-reload");
    if (command(host, "systemctl", ["is-enabled", "--quiet", unitName(gateway.id)]).status !== 0)
      systemctl(host, "enable", "--quiet", unitName(gateway.id));
  },

  files: (gateway) => [unitPath(gateway)],

  async stop(gateway, drain) {
    const { host } = gateway;
    const unit = unitName(gateway.id);
    if (!existsSync(unitPath(gateway))) return;
    const hangs = watchExit(gateway);
    const ended = async (timeoutMs: number, isVain = () => false): Promise<boolean> => {
      for (const end = Date.now() + timeoutMs; Date.now() < end && !isVain(); await sleep(UNIT_POLL_MS))
        if (["inactive", "failed"].includes(show(gateway).ActiveState)) return true;
      return false;
    };
    systemctl(host, "stop", "--no-block", unit);
    if (!(await ended(drain ? DRAIN_TIMEOUT_MS : STOP_TIMEOUT_MS, hangs))) {
      systemctl(host, "kill", "--signal=SIGKILL", unit);
      await ended(STOP_TIMEOUT_MS);
    }
    command(host, "systemctl", ["reset-failed", unit]); // having nothing to reset is not a failure
  },

  remove(gateway) {
    const { host } = gateway;
    const path = unitPath(gateway);
    if (!isOurUnit(host.manage, gateway.id, path)) return;
    systemctl(host, "disable", "--quiet", unitName(gateway.id));
    removeTree(path);
    systemctl(host, "daemon-reload");
  },

  status(gateway) {
    const { ActiveState: state, Job, MainPID, NRestarts, Result, ExecMainStatus } = show(gateway);
    const pid = Number(MainPID);
    const reason = Result === "exit-code" ? `exit code ${ExecMainStatus}` : Result;
    return {
      // With a job: its start is queued, for longer while systemd is reading another gateway's unit.
      supervised: ["active", "activating", "reloading", "deactivating"].includes(state) || Number(Job) > 0,
      ...(pid > 0 && { gatewayPid: pid }),
      exits: Number(NRestarts) || 0,
      ...(state === "failed" && { gaveUp: `${reason}: a restart would not help` }),
    };
  },

  logPosition: () => Date.now(),

  logSince(gateway, position) {
    const since = `--since=@${Math.floor(position / 1000)}`;
    return command(gateway.host, "journalctl", [
      "-u",
      unitName(gateway.id),
      since,
      "-n",
      LOG_LINES,
      "-o",
      "cat",
      "--no-pager",
      "-q",
    ]).stdout;
  },
};

type Property = "ActiveState" | "Job" | "MainPID" | "NRestarts" | "Result" | "ExecMainStatus";

function show(gateway: HostGateway): Record<Property, string> {
  const properties = "--property=ActiveState,Job,MainPID,NRestarts,Result,ExecMainStatus";
  const { stdout, stderr, status, error } = command(gateway.host, "systemctl", [
    "show",
    properties,
    unitName(gateway.id),
  ]);
  if (status !== 0)
    throw new Failure(
      `cannot query systemd: ${error?.message ?? stderr.trim()}`,
      "check that the user's own manager is running: systemctl status user@$(id -u)",
    );
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(/=(.*)/s).slice(0, 2) as [Property, string]);
  return Object.fromEntries(pairs) as Record<Property, string>;
}

/** systemd replaces % in a unit; none of our paths contains quotes, $ or \. */
const unitQuoted = (path: string): string => `"${path.replaceAll("%", "%%")}"`;

function unitText({ host, id, paths, claim }: HostGateway): string {
  const { account, root } = host.layout;
  const isSystem = account !== null;
  const writable = [...new Set([claim.stateDir, claim.workspace])].map(unitQuoted).join(" ");
  return [
    unitHeader(paths.dir),
    "[Unit]",
    `Description=OpenClaw Gateway (${id})`,
    ...(isSystem ? ["After=network-online.target", "Wants=network-online.target"] : []),
    // No limit: a bot that gave up while its provider was down for an hour would stay dead.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    ...(isSystem ? [`User=${account}`] : []),
    // A gateway that starts by itself takes the configuration that is proved. As root, whose files these are; without it, it
    // starts all the same.
    `ExecStartPre=-${isSystem ? "+" : ""}${unitQuoted(hostCommand(root))} put-back ${id}`,
    `ExecStart=${unitQuoted(hostCommand(root))} exec ${id}`,
    `SyslogIdentifier=${wrapperName(id)}`,
    "Restart=always",
    `RestartSec=${RESTART_SECONDS}`,
    `RestartPreventExitStatus=${EXIT_UNRECOVERABLE}`,
    "SuccessExitStatus=0 143",
    `TimeoutStopSec=${DRAIN_TIMEOUT_MS / 1000}`,
    "KillMode=mixed",
    // If a tool of the agent uses up the memory, that tool is killed, not the gateway.
    "OOMPolicy=continue",
    "UMask=0077",
    ...HARDENING,
    "LimitCORE=0",
    `TasksMax=${mostProcesses(id)}`,
    ...(isSystem ? [`OOMScoreAdjust=${oomScore(id)}`, ...SYSTEM_HARDENING, `ReadWritePaths=${writable}`] : []),
    "",
    "[Install]",
    `WantedBy=${isSystem ? "multi-user" : "default"}.target`,
    "",
  ].join("\n");
}

/**
 * What a gateway still works under, as any user: measured, 2026.9.6. Not RestrictSUIDSGID: its state migrations fail. Not
 * MemoryDenyWriteExecute: Node.js compiles. `chroot` and the namespaces are for the sandbox of a browser.
 */
const HARDENING = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictNamespaces=user pid net mnt ipc",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service chroot",
  "SystemCallErrorNumber=EPERM",
];

/** What only a system unit can have. Not PrivateTmp: the command line outside must see the gateway's lock in /tmp. */
const SYSTEM_HARDENING = [
  "CapabilityBoundingSet=",
  // Not strict: a gateway may have further workspaces anywhere its account can write.
  "ProtectSystem=full",
  "ProtectHome=read-only",
  "PrivateDevices=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectProc=invisible",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
];
