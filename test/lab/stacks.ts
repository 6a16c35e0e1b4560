/** The root stack on hosts of the lab, and what can be seen of its gateways there. */
import { ACCOUNT_HOME } from "../../model/hostLayout";
import { TestStack } from "../support/engine";
import { eventually, ok, type Outcome } from "../support/hosts";
import { placeLock } from "../support/packageLocks";
import type { Host } from "./host";
import { standInFiles, type Behaviour } from "../standIn/release";
import { PLAIN_USER } from "./images";
import type { Lab } from "./lab";

export type Who = "root" | "plain user";

export const MAIN_PORT = 18789;
export const RESCUE_PORT = 19789;

/** A gateway's answers, asked on its host. */
export interface Answer {
  readonly ready?: boolean;
  readonly version?: string;
  readonly status?: string;
  readonly error?: { readonly type?: string };
}

/** A pair on one host: its stack, and its gateways as the host shows them. */
export class PairOn {
  private constructor(
    readonly host: Host,
    readonly who: Who,
    readonly stack: TestStack,
  ) {}

  static async create(lab: Lab, host: Host, who: Who, name?: string): Promise<PairOn> {
    if (who === "plain user") ok(await host.run(`loginctl enable-linger ${PLAIN_USER}`));
    const stack = await TestStack.create(undefined, name);
    const settings = {
      target: "ssh",
      "ssh.host": host.address,
      "ssh.user": who === "root" ? "root" : PLAIN_USER,
      "ssh.hostKey": host.hostKey,
      "ssh.registry": lab.registryUrl,
    };
    stack.configs(settings);
    await stack.secretConfig("ssh.privateKey", lab.privateKey);
    return new PairOn(host, who, stack);
  }

  get root(): string {
    return this.who === "root" ? ACCOUNT_HOME : `/home/${PLAIN_USER}`;
  }

  /** Runs a command as the deploying user. */
  run(line: string): Promise<Outcome> {
    return this.host.run(line, this.who === "root" ? {} : { user: PLAIN_USER });
  }

  systemctl(line: string): Promise<Outcome> {
    return this.run(
      this.who === "root" ? `systemctl ${line}` : `XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user ${line}`,
    );
  }

  /** Main process of a gateway's unit; 0 where it does not run. */
  async pid(gateway: "main" | "rescue"): Promise<number> {
    const unit = gateway === "main" ? "openclaw-gateway" : "openclaw-gateway-rescue";
    return Number(ok(await this.systemctl(`show -P MainPID ${unit}`)).stdout);
  }

  /** What a gateway answers; nothing where nobody listens. */
  async ask(port: number, path: string, request: RequestInit = {}): Promise<Answer | undefined> {
    const script = `fetch("http://127.0.0.1:${port}${path}", ${JSON.stringify(request)}).then((r) => r.text()).then(console.log).catch(() => console.log("null"))`;
    // Not as an argument: there may be a token in it.
    const { stdout } = await this.host.inside(`${this.root}/.pulumi-openclaw/nodes/*/bin/node -`, { input: script });
    try {
      return (JSON.parse(stdout) as Answer | null) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether this is the token of the gateway on a port. Who has it is told what is wrong with the request. */
  async accepts(port: number, token: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await this.ask(port, "/tools/invoke", { method: "POST", headers, body: "{}" });
    return answer?.error?.type === "invalid_request";
  }

  async untilReady(port: number, seconds = 120): Promise<void> {
    await eventually(`a gateway on port ${port}`, seconds, async () => (await this.ask(port, "/readyz"))?.ready);
  }

  /** Puts a stand-in in the place of a release of a gateway, and asks for its version. */
  async release(gateway: string, standIn: Behaviour): Promise<void> {
    const { version } = standIn;
    placeLock(version);
    const directory = `${this.root}/.pulumi-openclaw/gateways/${gateway}/releases/${version}/node_modules/openclaw`;
    for (const [name, input] of Object.entries(standInFiles(standIn)))
      ok(await this.host.inside(`mkdir -p ${directory} && cat >${directory}/${name}`, { input }));
    this.stack.config(`${gateway}.version`, version);
  }

  /** Gateways that root deployed on a host by a stack of another program. */
  static seen(host: Host, stack: TestStack): PairOn {
    return new PairOn(host, "root", stack);
  }

  /** The same stack, looked at on another host. */
  at(host: Host): PairOn {
    return new PairOn(host, this.who, this.stack);
  }

  /** The host goes, and the pair's gateways with it. */
  async dispose(): Promise<void> {
    this.stack.forget();
    await this.host.dispose();
  }
}
