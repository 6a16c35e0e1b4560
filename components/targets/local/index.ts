import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { accountObstacle, homeOfUser } from "../../../host/account";
import { findForeignGateway, type Finding, type GatewayFacts } from "../../../host/foreignGateway";
import { findObstacles, type Obstacle } from "../../../host/obstacles";
import { ACCOUNT_HOME, DEFAULT_ACCOUNT, manageDir, type HostLayout } from "../../../host/layout";
import { keptValue } from "../../kept";
import { behindGate, currentProgram } from "../../program";
import { problemsOf } from "../../rules/problems";
import { explicitPorts } from "../../rules/isolation";
import { absolutePath } from "../../rules/schemas";
import { withoutStackTraces } from "../../stackTraces";
import { renderBootstrap } from "../bootstrap";
import { deployOnHost, ifInstalled, quote, stackName, type CommandArgs, type CommandResource } from "../hostGateway";
import type { Deployment, GatewayToCheck, Target } from "../target";

export const localHostSchema = z.strictObject({
  /**
   * Directory under which everything is put. Where the deployer is root, nobody else may write in it or above it.
   * @unit absolute path
   * @default the home of the user that the gateways run as: `/var/lib/openclaw` where the deployer is root, else the
   * deployer's own home
   * @example "/srv/claw"
   */
  root: absolutePath.optional(),
  /**
   * Directory of the commands `openclaw-main` ….
   * @unit absolute path
   * @default `<root>/bin` where root is given, else /usr/local/bin for root and ~/.local/bin for others
   * @example "/opt/claw/bin"
   */
  binDir: absolutePath.optional(),
  /**
   * System account that gateways run as where the deployer is root. Created when missing; one that somebody else created
   * is refused. Without a meaning where the deployer is not root.
   * @default "openclaw"
   * @example "claw"
   */
  account: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be a Linux account name")
    .refine((name) => name !== "root", "must not be root: a gateway never runs as root")
    .optional(),
});

/** Arguments of {@link LocalHost}. */
export type LocalHostArgs = z.input<typeof localHostSchema>;

/**
 * This machine as a target: the one that runs the Pulumi program. Linux x64 or arm64.
 *
 * @example
 * const here = new LocalHost("here");
 */
export class LocalHost extends pulumi.ComponentResource implements Target {
  /** @internal */
  readonly layout: HostLayout;
  readonly machine = "this machine";
  /** @internal */
  readonly ownerId: pulumi.Output<string>;

  constructor(name: string, args: LocalHostArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("openclaw:index:LocalHost", name, {}, behindGate(opts));
    const parsed = localHostSchema.safeParse(args);
    if (!parsed.success) currentProgram().report(problemsOf(parsed.error, localHostSchema, name, args));
    this.layout = layoutOf(parsed.data ?? {});
    const { account, root } = this.layout;
    const obstacle = account === null ? undefined : accountObstacle(account);
    if (obstacle !== undefined)
      currentProgram().report([
        { path: `${name}.account`, reason: obstacle, advice: "use another account name: one will be created" },
      ]);

    this.ownerId = keptValue(`${name}-owner`, randomUUID(), { parent: this });
    const { script, version } = renderBootstrap(this.layout);
    this.command(
      `${name}-program`,
      {
        create: `sh -s -- ${quote(manageDir(root))} ${version}`,
        delete: ifInstalled(root, "leave"),
        // No secret in it: it keeps some thousand lines of program text out of `preview --diff`.
        stdin: pulumi.secret(script),
        triggers: [manageDir(root), account ?? ""],
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs({});
  }

  /** @internal */
  findObstacles(gateways: readonly GatewayToCheck[]): Promise<Obstacle[][]> {
    const claims = gateways.map(({ name, gateway }) => ({
      ...gateway,
      owner: { stack: stackName(), gateway: name },
      extraPorts: explicitPorts(gateway).map(({ port }) => port),
    }));
    return Promise.resolve(findObstacles(this.layout, claims));
  }

  /** @internal */
  async findForeignGateway(facts: GatewayFacts): Promise<Finding> {
    const caller = process.getuid?.() === 0 ? homeOfUser(process.env["SUDO_USER"] ?? "") : undefined;
    const homes = new Set([homedir(), ...(caller === undefined ? [] : [caller]), this.layout.root]);
    return Promise.resolve(findForeignGateway(facts, [...homes]));
  }

  /** @internal */
  deploy(parent: pulumi.Resource, deployment: Deployment): pulumi.Resource {
    return deployOnHost(this, parent, deployment);
  }

  /** @internal */
  command(name: string, args: CommandArgs, opts: pulumi.CustomResourceOptions): CommandResource {
    const { quiet, triggers, ...texts } = args;
    const inputs: local.CommandArgs = {
      ...texts,
      triggers: [...triggers],
      addPreviousOutputInEnv: false,
      ...(quiet && { logging: local.Logging.None }),
    };
    return withoutStackTraces(() => new local.Command(name, inputs, opts));
  }
}

function layoutOf({ root, binDir, account }: z.output<typeof localHostSchema>): HostLayout {
  const isRoot = process.getuid?.() === 0;
  return Object.freeze({
    root: root ?? (isRoot ? ACCOUNT_HOME : homedir()),
    binDir:
      binDir ?? (root !== undefined ? join(root, "bin") : isRoot ? "/usr/local/bin" : join(homedir(), ".local/bin")),
    account: isRoot ? (account ?? DEFAULT_ACCOUNT) : null,
  });
}
