/** The environments of everything that the host program starts: built from nothing, never inherited. */
import { dirname, join } from "node:path";
import type { Identity } from "./account";
import { SYSTEM_PATH, type HostLayout } from "../model/hostLayout";
import type { Spec } from "../model/spec";

/** HOME of a gateway: the user's own, or a directory in its state where it runs as an account. */
export const homeOf = (layout: HostLayout, stateDir: string): string =>
  layout.account === null ? layout.root : join(stateDir, "home");

/** Where Node.js keeps what it has compiled: nobody's data. */
export const compileCacheOf = (stateDir: string): string => join(stateDir, "cache", "node-compile");

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
    OPENCLAW_SERVICE_REPAIR_POLICY: "external",
    NODE_COMPILE_CACHE: compileCacheOf(spec.stateDir),
  };
}

/** What npm needs of the deployer's environment to reach its registry. */
const NPM_VARIABLE =
  /^(HOME|NPM_TOKEN|NODE_AUTH_TOKEN|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|npm_config_\w+|https?_proxy|no_proxy|all_proxy)$/i;

/** Environment of the worker that installs releases: npm's settings and nothing else of the deployer's. */
export function workerEnvironment(
  environment: NodeJS.ProcessEnv,
  { registry }: Pick<HostLayout, "registry"> = {},
): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => NPM_VARIABLE.test(entry[0]) && entry[1] !== undefined,
  );
  return {
    PATH: SYSTEM_PATH,
    LANG: "C.UTF-8",
    ...Object.fromEntries(kept),
    ...(registry !== undefined && { npm_config_registry: registry }),
  };
}

/** Environment of a long-lived supervisor: nothing of anybody's. */
export const supervisorEnvironment = (): Record<string, string> => ({ PATH: SYSTEM_PATH, LANG: "C.UTF-8" });
