/** What `make up` and `make outputs` show at the end: the gateways, whether they are healthy, and how to use them. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { GatewayOutput, ExistingMainOutputs } from "../model/outputs";
import { gatewayHealth } from "../inspect/health";
import { shellQuoted } from "./gateways";
import { renderTable } from "./table";
import { formatRange } from "../model/ports";
import { ACCOUNT_HOME, isWithin } from "../model/hostLayout";
import { which } from "../inspect/which";
import { defined } from "../model/defined";

const HEADER = ["GATEWAY", "PROFILE", "URL", "PORTS", "VERSION", "HEALTH", "COMMAND"] as const;

type MainToHelp = Pick<ExistingMainOutputs, "url" | "command" | "restart">;

/** What the stack runs, from the outputs of `pulumi stack output --json`. */
export interface StackOutputs {
  readonly gateways: readonly GatewayOutput[];
  /** A main gateway that no stack owns: the output of the same name. */
  readonly existingMain?: MainToHelp;
}

export function gatewaysOf(outputs: string): StackOutputs {
  const { gateways, existingMain } = JSON.parse(outputs) as { gateways?: unknown; existingMain?: MainToHelp };
  return defined({
    gateways: Array.isArray(gateways) ? (gateways as GatewayOutput[]) : [],
    existingMain,
  });
}

export async function shownHealth({ host, docker, url, basePort, version, wrapper }: GatewayOutput): Promise<string> {
  if (host !== undefined) return `not asked (on ${host})`;
  const isContainer = docker !== undefined;
  const { hostname } = new URL(url);
  return gatewayHealth(
    defined({ port: basePort, version, host: hostname, wrapper: isContainer ? undefined : wrapper, isContainer }),
  );
}

/** The table and what to do with it. `stack` is the one that make was asked for: `undefined` for the default. */
export async function stackSummary(
  { gateways, existingMain }: StackOutputs,
  stack: string | undefined,
): Promise<string> {
  if (!gateways.length)
    return "No gateway of this stack is up. Run `make up`: it brings them up, or says what is wrong.";
  const health = await Promise.all(gateways.map(shownHealth));
  const table = renderTable([
    HEADER,
    ...gateways.map((each, index) => [
      each.name,
      each.profile,
      each.url,
      formatRange(each.portBlock),
      each.version,
      health[index] ?? "",
      typedCommand(each.wrapper),
    ]),
  ]);
  return `${table}\n\n${howTo(gateways, stack)}${existingMain ? `\n\n${helpMain(existingMain)}` : ""}`;
}

/** What to type for the main gateway that this stack runs beside. */
function helpMain({ url, command, restart }: MainToHelp): string {
  const commands = renderTable([
    ["  look", `${command} gateway status --deep`],
    ["  logs", `${command} logs`],
    ["  restart", restart ?? "the way you started it: no service was found for it"],
    ["  repair", `${command} doctor --fix  (while it is stopped)`],
  ]);
  return `Main is at ${url}/. No stack owns it, and this one never touches it. If it is in trouble:\n${commands}`;
}

export function howTo(gateways: readonly GatewayOutput[], stack: string | undefined): string {
  const make = stack === undefined ? "make outputs" : `make outputs STACK=${stack}`;
  const hosts = [...new Set(gateways.map(({ host }) => host))];
  const fromAfar = hosts.map((host) => {
    const there = gateways.filter((each) => each.host === host);
    const forwards = there.map(({ url, basePort }) => `-L ${basePort}:${new URL(url).hostname}:${basePort}`).join(" ");
    const line = `ssh -N ${forwards} ${host ?? "USER@THIS-HOST"}, then use the same address`;
    return [host === undefined ? "remotely" : "first", line];
  });
  const opened = [...gateways.map(({ name, url }) => [name, `${url}/`]), ...fromAfar];
  const tokens = gateways.map(({ name, tokenOutput }) => [name, `${make} ARGS="${tokenOutput} --show-secrets"`]);
  const labelled = (label: string, rows: readonly (readonly string[])[]): readonly (readonly string[])[] =>
    rows.map((row, index) => [index ? "" : label, ...row]);
  return renderTable([...labelled("Control UI", opened), ...labelled("Token", tokens)]);
}

/** The wrapper as it can be typed: its name alone where the shell finds it. */
const typedCommand = (wrapper: string): string =>
  which(basename(wrapper), process.env["PATH"] ?? "") === wrapper ? basename(wrapper) : wrapper;

/** What destroying these gateways leaves, here and elsewhere; read before they are destroyed. */
export function keptBy(gateways: readonly GatewayOutput[]): string | undefined {
  const kept = [keptOnDisk(gateways), keptOnHosts(gateways), keptOnVolumes(gateways)].filter(
    (each) => each !== undefined,
  );
  return kept.length ? kept.join("\n\n") : undefined;
}

/** These are not checked again: what `destroy` leaves there is where the outputs say. */
function keptOnHosts(gateways: readonly GatewayOutput[]): string | undefined {
  const far = gateways.filter(({ host, docker }) => host !== undefined && docker === undefined);
  if (!far.length) return undefined;
  return [
    "Kept on other machines, with everything that the gateways have learned; the next `make up` finds it:",
    ...far.map(({ host, stateDir, workspace }) => `  ${host}: ${outermost([stateDir, workspace]).join(" ")}`),
  ].join("\n");
}

/** Without those that lie inside another one. */
const outermost = (all: readonly string[]): string[] =>
  [...new Set(all)].filter((each) => !all.some((other) => other !== each && isWithin(each, other)));

function keptOnVolumes(gateways: readonly GatewayOutput[]): string | undefined {
  const removals = gateways.flatMap(({ docker, serviceName }) =>
    docker === undefined ? [] : [`  ${docker} volume rm ${serviceName}-state ${serviceName}-workspace`],
  );
  if (!removals.length) return undefined;
  return ["Kept on volumes; the next `make up` finds them. To remove them for good:", ...removals].join("\n");
}

function keptOnDisk(gateways: readonly GatewayOutput[]): string | undefined {
  const here = gateways.filter(({ host, docker }) => host === undefined && docker === undefined);
  const directories = outermost(here.flatMap(({ stateDir, workspace }) => [stateDir, workspace]).filter(existsSync));
  if (!directories.length) return undefined;
  const accounts = accountsOwning(directories);
  const remove = [
    `rm -r ${directories.map(shellQuoted).join(" ")}`,
    ...(directories.some((each) => isWithin(each, ACCOUNT_HOME)) ? [`rmdir ${ACCOUNT_HOME}`] : []),
    ...accounts.map((account) => `userdel ${account}`),
  ];
  return [
    "Kept, with everything that the gateways have learned; the next `make up` finds it:",
    ...directories.map((each) => `  ${each}`),
    ...accounts.map((account) => `  the account ${account}, which owns them`),
    "To remove it for good:",
    ...remove.map((each) => `  ${each}`),
  ].join("\n");
}

/** The accounts of directories that are not this user's: those that gateways run as where the deployer is root. */
function accountsOwning(directories: readonly string[]): readonly string[] {
  const owners = new Set(directories.map((each) => statSync(each).uid).filter((uid) => uid !== process.getuid?.()));
  return [...owners].flatMap(
    (uid) =>
      readFileSync("/etc/passwd", "utf8")
        .split("\n")
        .find((line) => line.split(":")[2] === String(uid))
        ?.split(":")[0] ?? [],
  );
}
