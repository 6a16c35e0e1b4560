/** What a deployment would change of a gateway that is there: what runs now, against what is wanted. Changes nothing. */
import { join } from "node:path";
import { schemaVersion } from "./databases";
import { readEdited, readJson } from "./files";
import { recoveryPointsIn } from "./recoveryPoints";
import {
  CONFIG_FILE,
  gatewayPaths,
  manageDir,
  SERVICE_FILE,
  SPEC_FILE,
  type GatewayPaths,
  type HostLayout,
} from "../model/hostLayout";
import { isToRestore, SHARED_DATABASE, stateRefusal, type StateFacts } from "../model/recovery";
import { valueAt } from "../model/json";
import { changedPaths, costOf, type ExpectedChange } from "../model/reload";
import { secretsFileOf, withSecretsFile } from "../model/secrets";
import type { JsonObject, Spec } from "../model/spec";

/** What decides the process besides its environment, in the words of its arguments. */
const OF_PROCESS = ["version", "stateDir", "workspace", "maxOldSpaceSize"] as const;

/** `undefined`: nothing, or there is no such gateway. Secrets are not compared: their values are not read here. */
export function expectedChange(layout: HostLayout, id: string, wanted: Spec): ExpectedChange | undefined {
  const places = gatewayPaths(manageDir(layout.root), id);
  const { current } = places;
  const [spec, service, config] = [SPEC_FILE, SERVICE_FILE, CONFIG_FILE].map((file) =>
    readEdited(join(current, file)),
  ) as [Spec | undefined, { process?: string } | undefined, JsonObject | undefined];
  if (!spec || !service || !config) return undefined;
  const secrets = secretsFileOf(config);
  const paths = changedPaths(config, secrets === undefined ? wanted.config : withSecretsFile(wanted.config, secrets));
  const port = ({ config: each }: { config: JsonObject }) => valueAt(each, "gateway.port");
  const state = stateFacts(places, spec);
  const reasons: string[] = [
    ...(isToRestore(wanted, state) ? ["restoreFrom"] : []),
    ...OF_PROCESS.filter((name) => spec[name] !== wanted[name]),
    ...(port({ config }) === port(wanted) ? [] : ["basePort"]),
  ];
  const refusal = stateRefusal(wanted, state);
  if (reasons.length) return { cost: "process", paths: reasons, ...(refusal && { refusal }) };
  if (!paths.length) return undefined;
  // From before a configuration could be changed while its gateway runs.
  if (service.process === undefined) return { cost: "process", paths };
  return { cost: costOf(paths, wanted.version), paths };
}

function stateFacts({ backups, restored }: GatewayPaths, { version, stateDir }: Spec): StateFacts {
  return {
    version,
    schema: attempted(() => schemaVersion(join(stateDir, SHARED_DATABASE))),
    points: recoveryPointsIn(backups),
    restored: attempted(() => readJson<{ point: string }>(restored)?.point),
  };
}

/** Another user's, or not there. */
function attempted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
