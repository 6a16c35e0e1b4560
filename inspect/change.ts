/** What a deployment would change of a gateway that is there: what runs now, against what is wanted. Changes nothing. */
import { join } from "node:path";
import { readJson } from "./files";
import { CONFIG_FILE, gatewayPaths, manageDir, SERVICE_FILE, SPEC_FILE, type HostLayout } from "../model/hostLayout";
import { valueAt } from "../model/json";
import { changedPaths, costOf, type ExpectedChange } from "../model/reload";
import { secretsFileOf, withSecretsFile } from "../model/secrets";
import type { JsonObject, Spec } from "../model/spec";

/** What decides the process besides its environment, in the words of its arguments. */
const OF_PROCESS = ["version", "stateDir", "workspace", "maxOldSpaceSize"] as const;

/** `undefined`: nothing, or there is no such gateway. Secrets are not compared: their values are not read here. */
export function expectedChange(layout: HostLayout, id: string, wanted: Spec): ExpectedChange | undefined {
  const { current } = gatewayPaths(manageDir(layout.root), id);
  const [spec, service, config] = [SPEC_FILE, SERVICE_FILE, CONFIG_FILE].map((file) =>
    readJson(join(current, file)),
  ) as [Spec | undefined, { process?: string } | undefined, JsonObject | undefined];
  if (!spec || !service || !config) return undefined;
  const secrets = secretsFileOf(config);
  const paths = changedPaths(config, secrets === undefined ? wanted.config : withSecretsFile(wanted.config, secrets));
  const port = ({ config: each }: { config: JsonObject }) => valueAt(each, "gateway.port");
  const reasons: string[] = [
    ...OF_PROCESS.filter((name) => spec[name] !== wanted[name]),
    ...(port({ config }) === port(wanted) ? [] : ["basePort"]),
  ];
  if (reasons.length) return { cost: "process", paths: reasons };
  if (!paths.length) return undefined;
  // From before a configuration could be changed while its gateway runs.
  if (service.process === undefined) return { cost: "process", paths };
  return { cost: costOf(paths, wanted.version), paths };
}
