/** Becoming OpenClaw: a gateway itself, or its command line, as its account and with its environment. */
import { accessSync, constants } from "node:fs";
import { becomeAccount } from "./account";
import { Failure } from "./failure";
import { pointedAt } from "./generation";
import { openGateway, type Host } from "./host";
import { MARK_VARIABLE } from "./layout";
import { readSecrets } from "./secrets";

const PASSED_ON = ["TERM", "COLORTERM", "NO_COLOR", "TZ"];

export function runCommandLine(host: Host, id: string, args: readonly string[]): never {
  const { identity } = host;
  const user = process.getuid!();
  if (user !== 0 && user !== identity.uid)
    throw new Failure(`run this as root or as ${identity.name}: sudo openclaw-${id} ${args.join(" ")}`);
  const gateway = openGateway(host, id);
  const generation = pointedAt(gateway, "current");
  if (!generation) throw new Failure(`gateway ${id} is not deployed\n    -> run \`pulumi up\``);
  const { service } = generation;
  const passedOn = PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  const env: NodeJS.ProcessEnv = { ...Object.fromEntries(passedOn), ...service.env, ...readSecrets(service.secrets) };
  becomeAccount(identity);
  try {
    accessSync(process.cwd(), constants.X_OK); // the whole way to it, not only the last step
  } catch {
    process.chdir(service.cwd);
  }
  // Replaces this process: signals, terminal and exit code are OpenClaw's own.
  process.execve!(service.node, [service.node, service.entry, ...args], env);
  throw new Error("unreachable");
}

/** What a service manager starts, as the gateway's account: the current generation of a gateway. */
export function becomeGateway(host: Host, id: string): never {
  const gateway = openGateway(host, id);
  const generation = pointedAt(gateway, "current");
  if (!generation) throw new Failure(`gateway ${id} is not deployed\n    -> run \`pulumi up\``);
  const { service } = generation;
  process.chdir(service.cwd);
  const env = { ...service.env, ...readSecrets(service.secrets), [MARK_VARIABLE]: gateway.paths.dir };
  process.execve!(service.node, [service.node, service.entry, "gateway", "run"], env);
  throw new Error("unreachable");
}
