/** A main gateway that no stack owns, beside a rescue gateway of this program. */
import { posix } from "node:path";
import { isUnknown, type ExistingGateway } from "../inspect/existingGateway";
import { gatewayId, serviceName, wrapperName, type HostLayout } from "../model/hostLayout";
import { GUIDE_MARK } from "../model/guide";
import { isObject, objectAt } from "../model/json";
import type { JsonObject, ExistingMainSpec } from "../model/spec";
import { currentProgram, type ExistingMain } from "./preflight";
import { derivePorts, portBlock } from "../model/ports";
import { problemsOf } from "./rules/problems";
import type { ResolvedGateway } from "./rules/resolve";
import { existingMainSchema } from "./rules/schemas";
import type { Target } from "./targets/target";
import { defined } from "../model/defined";

/** Looks for the main gateway beside a rescue gateway, and has the program check everything against it. */
export function findExistingMain(label: string, target: Target, facts: unknown): Promise<ExistingGateway | undefined> {
  const parsed = existingMainSchema.optional().safeParse(facts);
  if (!parsed.success) {
    currentProgram().report(problemsOf(parsed.error, existingMainSchema, `${label}.existingMain`, facts));
    return Promise.resolve(undefined);
  }
  const found = target.findExistingGateway(parsed.data ?? {});
  currentProgram().avoid(
    found.then((gateway): ExistingMain => {
      if (!gateway) {
        if (!currentProgram().isLeftAlone(target))
          currentProgram().warn(
            `${label}: no main gateway was found beside it, so nothing was checked against one, and updates do not wait for one. ` +
              "Looked for: .openclaw in your home directory (with sudo, also in that of the user who ran it) and in the target's root. " +
              "If main is elsewhere, set existingMain.stateDir; in stack config: " +
              "pulumi config set --path rescue.existingMain.stateDir /where/it/is",
          );
        return { target, botTokens: [], problems: [] };
      }
      if (isUnknown(gateway)) {
        const { property, reason, advice } = gateway;
        return { target, botTokens: [], problems: [{ path: `${label}.existingMain.${property}`, reason, advice }] };
      }
      return { target, gateway: asResolved(gateway, target), botTokens: gateway.botTokens, problems: [] };
    }),
  );
  return found.then((gateway) => (gateway && !isUnknown(gateway) ? gateway : undefined));
}

/** In the form that the rules compare. */
function asResolved(foreign: ExistingGateway, { layout }: Target): ResolvedGateway {
  const { binDir } = layout as HostLayout; // a gateway that no stack owns is always on a host
  const { profile, stateDir, workspace, configPath, url, port, config } = foreign;
  const id = gatewayId(profile);
  return {
    label: `the gateway in ${stateDir}`,
    isExisting: true,
    id,
    profile,
    version: "",
    basePort: port,
    ports: derivePorts(port),
    portRange: portBlock(port),
    url,
    stateDir,
    workspace,
    configPath,
    wrapper: posix.join(binDir, wrapperName(id)),
    serviceName: serviceName(profile),
    browser: browserOf(config),
    config,
    plugins: {},
    force: false,
  };
}

/** The browsers that its configuration pins; anything that does not match OpenClaw's schema is left out. */
function browserOf(config: JsonObject): ResolvedGateway["browser"] {
  const pins = (value: JsonObject) => ({
    ...(typeof value.cdpUrl === "string" && URL.canParse(value.cdpUrl) && { cdpUrl: value.cdpUrl }),
    ...(typeof value.cdpPort === "number" && { cdpPort: value.cdpPort }),
  });
  const { cdpUrl } = pins(objectAt(config, "browser"));
  const profiles = Object.entries(objectAt(config, "browser.profiles")).map(
    ([name, profile]) => [name, isObject(profile) ? pins(profile) : {}] as const,
  );
  return defined({ cdpUrl, profiles: Object.fromEntries(profiles) });
}

/** What the rescue's host program needs to know about main. */
export const describeToHost = (main: ExistingGateway | undefined): ExistingMainSpec | undefined =>
  main && { port: main.port, guide: guideTo(main) };

/** For the rescue's agent, and for people who look into its workspace. */
const guideTo = ({
  port,
  command,
  restart,
  configPath,
  stateDir,
  workspace,
}: ExistingGateway): string => `# Helping main

This is the rescue gateway. Main is another OpenClaw gateway on this machine, on port ${port}. No stack owns it.

| to | type |
| --- | --- |
| look whether it runs | \`${command} gateway status --deep\` |
| read its log | \`${command} logs\` |
| check its configuration | \`${command} config validate\` |
| restart it | ${restart === undefined ? "(no service was found: as it was started)" : `\`${restart}\``} |
| repair it, stopped | \`${command} doctor --fix\` |

Its configuration is ${configPath}, its state ${stateDir}, its workspace ${workspace}. Make a backup before you
change any of them: \`${command} backup create --output DIRECTORY --verify\`.

${GUIDE_MARK}
`;
