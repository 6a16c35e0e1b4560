/** Becoming OpenClaw: a gateway itself, or its command line, as its account and with its environment. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { asAccount, becomeAccount } from "./account";
import { type Identity } from "../inspect/accounts";
import { Failure, withAdvice } from "../model/failure";
import { asIdentity, type Command } from "./fences";
import { serviceArguments, pointedAt, secretsOf, withheldConfig, type Generation } from "./generation";
import { gatewayPort, portHolder } from "./health";
import { openGateway, type Host, type HostGateway } from "./host";
import { describeListener } from "../model/conflict";
import { gatewayTag, hostCommand, TAG_VARIABLE, quote, SYSTEM_PATH } from "../model/hostLayout";
import { plain } from "../model/plain";
import { carries, ownerOf } from "../inspect/processes";
import { signal } from "../inspect/run";
import { readVariables } from "./secrets";
import { tokenVariableIn } from "../model/secrets";

const PASSED_ON = ["TERM", "COLORTERM", "NO_COLOR", "TZ"];

/** Tells this program, when it has started itself again, that it already has a terminal of its own. */
const OWN_TERMINAL = "PULUMI_OPENCLAW_OWN_TERMINAL";
/** Part of util-linux: runs a command in a terminal of its own. */
const SCRIPT = "/usr/bin/script";

export async function runCommandLine(host: Host, id: string, args: readonly string[]): Promise<void> {
  const { identity } = host;
  const user = process.getuid!();
  if (user !== 0 && user !== identity.uid)
    throw new Failure(`run this as root or as ${identity.name}: sudo openclaw-${id} ${args.join(" ")}`);
  const gateway = openGateway(host, id);
  const generation = pointedAt(gateway, "current");
  if (!generation) throw new Failure(`gateway ${id} is not deployed`, "run `pulumi up`");
  const { service } = generation;
  const passedOn = Object.fromEntries(
    PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  const terminals = [0, 1, 2].filter((stream) => isatty(stream));
  // Whoever holds root's terminal can type into it, or keep reading from it after the command has ended.
  const isRoots = identity.demote && terminals.length > 0 && process.env[OWN_TERMINAL] === undefined;
  if (isRoots && terminals.length === 3 && existsSync(SCRIPT)) {
    const again = [hostCommand(host.layout.root), "cli", id, ...args].map(quote).join(" ");
    const env = { ...passedOn, PATH: SYSTEM_PATH, SHELL: "/bin/sh", [OWN_TERMINAL]: "yes" };
    process.execve!(SCRIPT, [SCRIPT, "-qec", `exec ${again}`, "/dev/null"], env);
  }
  const env: NodeJS.ProcessEnv = { ...passedOn, ...service.env, ...variablesFor(gateway, generation) };
  const cwd = cwdFor(identity, service.cwd);
  if (isRoots) return relay(asIdentity(identity, service.node, [service.entry, ...args]), { env, cwd }, terminals);
  becomeAccount(identity);
  process.chdir(cwd);
  const { file, args: words } = asIdentity({ ...identity, demote: false }, service.node, [service.entry, ...args]);
  // Replaces this process: signals, terminal and exit code are OpenClaw's own.
  process.execve!(file, [file, ...words], env);
}

/** Used instead of the token while a gateway does not listen: a program that takes its port must not get the token. */
const WITHHELD = "withheld-while-this-gateway-does-not-listen";

/** Only the gateway itself may get the token: OpenClaw's commands send it to whatever listens on its port. */
function variablesFor(gateway: HostGateway, generation: Generation): Record<string, string> {
  const variables = readVariables(generation.service.secrets);
  const holder = portHolder(gateway, generation);
  if (typeof holder === "object" && "own" in holder) return variables;
  const { host, id, paths } = gateway;
  if (typeof holder === "object") {
    const { stranger } = holder;
    const { pid } = stranger;
    const isLeftover = pid !== undefined && carries(pid, gatewayTag(paths.dir)) && ownerOf(pid) === host.identity.uid;
    const said =
      `${describeListener(stranger)} listens on port ${gatewayPort(generation)} instead of gateway ${id}` +
      (isLeftover ? ", which seems to have left it behind: it does not get the token" : ": nothing was run");
    const advice = `${isLeftover ? "" : "stop that program, then "}start the gateway: ${hostCommand(host.layout.root)} restart ${id}`;
    if (!isLeftover) throw new Failure(`${said}`, `${advice}`);
    process.stderr.write(`${plain(withAdvice(`warning: ${said}`, advice))}\n`);
  }
  const withheld = withheldConfig(generation);
  return {
    ...variables,
    ...(withheld !== undefined && { OPENCLAW_CONFIG_PATH: withheld }),
    [tokenVariableIn(secretsOf(gateway, generation))]: WITHHELD,
  };
}

/** The caller's directory, if the account may enter it as well. */
function cwdFor(identity: Identity, otherwise: string): string {
  try {
    const here = process.cwd();
    asAccount(identity, 'cd "$1"', here);
    return here;
  } catch {
    return otherwise;
  }
}

/** Runs a command in a session of its own, without the streams that are terminals; passes on what it prints. */
async function relay(
  { file, args, ...who }: Command,
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  terminals: readonly number[],
): Promise<void> {
  const [input, output, errors] = [0, 1, 2].map((stream) => (terminals.includes(stream) ? "pipe" : "inherit"));
  const child = spawn(file, args, {
    ...options,
    ...who,
    stdio: [input === "pipe" ? "ignore" : "inherit", output!, errors!],
    detached: true,
  });
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => signal(-child.pid!, name));
  const [code, killer] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  process.exitCode = code ?? 128 + constants.signals[killer!];
}

/** What a service manager starts, as the gateway's account: the current generation of a gateway. */
export function becomeGateway(host: Host, id: string): never {
  const gateway = openGateway(host, id);
  const generation = pointedAt(gateway, "current");
  if (!generation) throw new Failure(`gateway ${id} is not deployed`, "run `pulumi up`");
  const { service } = generation;
  process.chdir(service.cwd);
  const env = { ...service.env, ...readVariables(service.secrets), [TAG_VARIABLE]: gateway.paths.dir };
  process.execve!(service.node, [service.node, ...serviceArguments(service)], env);
  throw new Error("unreachable");
}
