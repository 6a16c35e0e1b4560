/** From arguments to a plain, complete, frozen description of one gateway. */
import type { z } from "zod";
import { gatewayId } from "../../model/hostLayout";
import { isObject } from "../../model/json";
import type { Json, JsonObject } from "../../model/spec";
import { checkConfig } from "./config/check";
import { plainPart } from "./config/json";
import { packagesOf } from "./config/plugins";
import { misplacedSecrets } from "./config/references";
import { ownConfig, renderConfig } from "./config/render";
import { sandboxesHere, type Sandbox } from "./config/sandbox";
import { placementOf, type Layout } from "./placement";
import type { GatewayPorts, PortRange } from "../../model/ports";
import type { Surroundings } from "../../model/surroundings";
import { isLike, problemsOf, type Problem } from "./problems";
import { OLDEST_VERSION } from "../../model/versions";
import { gatewaySchema, type CheckedGatewayArgs } from "./schemas";

/** Everything about one gateway that is not secret, with all defaults filled in. */
export interface ResolvedGateway {
  /** Path of the gateway's arguments in the program, for messages. */
  readonly label: string;
  /** Set up outside the program: the label is what people call it, not a path in the program. */
  readonly isExisting?: true;
  readonly id: string;
  readonly profile: string;
  readonly version: string;
  readonly basePort: number;
  readonly ports: GatewayPorts;
  /** The ports on its machine that belong to it alone. */
  readonly portRange: PortRange;
  /** Whether it has its own file system, and its own network except for the ports that it owns. */
  readonly isContainer?: true;
  /** Address beyond loopback on which others reach it. */
  readonly lanAddress?: string;
  readonly url: string;
  readonly stateDir: string;
  readonly workspace: string;
  readonly configPath: string;
  readonly wrapper: string;
  readonly serviceName: string;
  /** Of a container; absent where it has nothing but its own. */
  readonly surroundings?: Surroundings;
  /** Sandboxes of agents that need an engine on its machine; absent where there are none. */
  readonly sandboxes?: readonly Sandbox[];
  /** Names of its `secrets`; absent where there are none. */
  readonly secrets?: readonly string[];
  readonly browser: CheckedGatewayArgs["browser"];
  readonly config: JsonObject;
  /** npm packages that are installed with OpenClaw, and their versions. */
  readonly plugins: Readonly<Record<string, string>>;
  /** In MiB; missing: OpenClaw's own default. */
  readonly maxOldSpaceSize?: number;
  /** Recovery points to keep; missing: as many as the host program keeps by itself. */
  readonly backups?: number;
  /** Id of the recovery point that it gets the state of. */
  readonly restoreFrom?: string;
  /** Removing it removes its state, too. */
  readonly purge?: true;
  readonly force: boolean;
}

export interface Resolution {
  /** Missing if too much is wrong with the arguments to describe a gateway. */
  readonly gateway?: ResolvedGateway;
  /** The validated arguments; secrets are still as given. */
  readonly args?: CheckedGatewayArgs;
  /** Names of arguments that are refused. What a gateway has in their stead is not what was meant. */
  readonly refused: readonly string[];
  readonly problems: readonly Problem[];
}

const keysOf = (value: unknown): string[] => (isObject(value as Json) ? Object.keys(value as object) : []);

/** Checks the arguments of one gateway and fills in what depends on its place. `name`: the name of its resource. */
export function resolveGateway(label: string, input: unknown, layout: Layout, name = label): Resolution {
  const parsed = gatewaySchema.safeParse(input);
  const problems = parsed.success ? [] : problemsOf(parsed.error, gatewaySchema, label, input);
  const args = parsed.data ?? salvage(input, parsed.error);
  const refused = parsed.success ? [] : refusedKeys(parsed.error);
  const config = args?.config ?? plainPart((input as { config?: unknown }).config);
  // Those that are refused for their values are there all the same.
  const given = {
    env: keysOf((input as { env?: unknown }).env),
    secrets: keysOf((input as { secrets?: unknown }).secrets),
  };
  if (args) problems.push(...misplacedSecrets(args.config ?? {}, given, label));
  const isContainer = layout.kind === "container";
  const check = (ours: JsonObject): void => {
    if (isObject(config))
      problems.push(
        ...checkConfig({
          config,
          ours,
          telegram: args?.telegram,
          ...given,
          path: `${label}.config`,
          isContainer,
        }),
      );
  };
  if (!args) {
    check({});
    return { problems, refused };
  }

  const profile = args.profile ?? "default";
  const place = placementOf(layout, { label, name, profile, args });
  const context = { ...place.facts, ...place.context };
  check(ownConfig(args, context));
  problems.push(...place.problems);
  const sandboxes = sandboxesHere(args.config ?? {}, Object.keys(args.env ?? {}));
  return {
    args,
    refused,
    problems,
    gateway: Object.freeze({
      label,
      id: gatewayId(profile),
      profile,
      version: args.version,
      basePort: args.basePort,
      ...place.facts,
      browser: args.browser,
      config: renderConfig(args, context),
      plugins: place.facts.isContainer ? {} : packagesOf(args),
      ...(args.secrets && { secrets: Object.keys(args.secrets) }),
      ...(sandboxes.length && { sandboxes }),
      ...(args.maxOldSpaceSize !== undefined && { maxOldSpaceSize: args.maxOldSpaceSize }),
      ...(args.backups !== undefined && { backups: args.backups }),
      ...(args.restoreFrom !== undefined && { restoreFrom: args.restoreFrom }),
      ...(args.purge && { purge: true }),
      force: args.force ?? false,
    }),
  };
}

/** What decides which gateway it is, and where. */
const PLACE = ["profile", "basePort", "stateDir", "workspace", "configPath"];

/**
 * The arguments without the invalid ones: enough to find problems between gateways too. None where one that decides its place
 * is refused, or may be meant by a misspelt one: a default in its stead is another gateway, with problems that nobody has.
 */
function salvage(input: unknown, error: z.ZodError): CheckedGatewayArgs | undefined {
  const refused = refusedKeys(error);
  const unknown = refused.filter((key) => !(key in gatewaySchema.shape));
  const others = Object.keys(gatewaySchema.shape).filter((key) => !PLACE.includes(key));
  if (refused.some((key) => PLACE.includes(key)) || unknown.some((key) => !isLike(key, others))) return undefined;
  const rest = Object.entries(input as object).filter(([key]) => !refused.includes(key));
  return gatewaySchema.safeParse({ version: OLDEST_VERSION, ...Object.fromEntries(rest) }).data;
}

const refusedKeys = (error: z.ZodError): string[] =>
  error.issues.flatMap((issue) =>
    issue.path.length === 0 && issue.code === "unrecognized_keys" ? issue.keys : [String(issue.path[0])],
  );
