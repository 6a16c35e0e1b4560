/** The environments of everything that the host program starts: built from nothing, never inherited. */
import { dirname, join } from "node:path";
import type { Identity } from "../inspect/accounts";
import { SYSTEM_PATH, type HostLayout } from "../model/hostLayout";
import type { Spec } from "../model/spec";

/** HOME of a gateway: the user's own, or a directory in its state if it runs as an account. */
export const homeOf = (layout: HostLayout, stateDir: string): string =>
  layout.account === null ? layout.root : join(stateDir, "home");

/** Where Node.js keeps compiled code: only a cache. */
export const compileCacheOf = (stateDir: string): string => join(stateDir, "cache", "node-compile");

/** A gateway with this restarts inside its process where a changed configuration needs that. Source: measured, 2026.9.6. */
export const IN_PROCESS_RESTARTS = "OPENCLAW_NO_RESPAWN";

/** Variables of one gateway and of its command line, secrets not included. Source: OPENCLAW 2026.9.6, measured. */
export function gatewayEnvironment(
  spec: Pick<Spec, "profile" | "stateDir">,
  facts: { layout: HostLayout; identity: Identity; node: string; configPath: string },
): Record<string, string> {
  const { layout, identity } = facts;
  return {
    PATH: `${dirname(facts.node)}:${layout.binDir}:${SYSTEM_PATH}`,
    HOME: homeOf(layout, spec.stateDir),
    USER: identity.name,
    LOGNAME: identity.name,
    LANG: "C.UTF-8",
    OPENCLAW_STATE_DIR: spec.stateDir,
    OPENCLAW_CONFIG_PATH: facts.configPath,
    // The variable names services and logs only; the paths above decide.
    ...(spec.profile !== "default" && { OPENCLAW_PROFILE: spec.profile }),
    // Without it OpenClaw may put an older configuration back over ours.
    OPENCLAW_CONFIG_READONLY: "1",
    OPENCLAW_NO_AUTO_UPDATE: "1",
    OPENCLAW_DISABLE_BONJOUR: "1",
    // We supervise: OpenClaw must neither restart itself nor "repair" or kill another gateway's service.
    OPENCLAW_SUPERVISOR_MODE: "external",
    // Unless its configuration needs it: then inside its process, in a third of the time.
    [IN_PROCESS_RESTARTS]: "1",
    OPENCLAW_SERVICE_REPAIR_POLICY: "external",
    NODE_COMPILE_CACHE: compileCacheOf(spec.stateDir),
  };
}

/** Environment of a long-lived supervisor: nothing inherited. */
export const supervisorEnvironment = (): Record<string, string> => ({ PATH: SYSTEM_PATH, LANG: "C.UTF-8" });
