/** Layers that spare a host the download of Node.js, npm and an OpenClaw release: as if they were installed before. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ACCOUNT_HOME } from "../../host/layout";
import { fillOnce, fingerprint } from "../../toolchain/cache";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { ensureSeed, seedGateway, seedTools, VERSION } from "../support/seed";
import { PLAIN_USER } from "./images";
import { labCache } from "./names";
import { seedStandIn } from "../support/standInRelease";

const PLAIN_UID = 1000;

/** For gateways that root deploys. */
export const rootLayer = (...gateways: string[]): Promise<string> => layer(ACCOUNT_HOME, undefined, gateways);

/** The same with stand-ins for OpenClaw. */
export const standInLayer = (...gateways: string[]): Promise<string> =>
  layer(ACCOUNT_HOME, undefined, gateways, seedStandIn);

/** For gateways of the plain user. */
export const userLayer = (...gateways: string[]): Promise<string> => layer(`/home/${PLAIN_USER}`, PLAIN_UID, gateways);

async function layer(
  root: string,
  owner: number | undefined,
  gateways: readonly string[],
  seedRelease = seedGateway,
): Promise<string> {
  ensureSeed();
  const tools =
    renderBootstrap({ root, binDir: root, account: null }).script.match(/nodes\/[\d.]+|npms\/[\d.]+/g) ?? [];
  const what = fingerprint([VERSION, ...tools, root, `${owner}`, seedRelease.name, ...gateways]);
  const directory = join(labCache(), `layer-${what}`);
  await fillOnce(directory, (temporary) => {
    const inside = join(temporary, root);
    mkdirSync(inside, { recursive: true });
    seedTools(inside);
    for (const id of gateways) seedRelease(inside, id);
    chmodSync(temporary, 0o755);
    if (owner === undefined) return;
    // Not hard links of the seed any more: their owner is another one.
    const copy = `${temporary}/copy`;
    execFileSync("cp", ["-a", inside, copy]);
    execFileSync("chown", ["-R", `${owner}:${owner}`, copy]);
    execFileSync("rm", ["-rf", inside]);
    execFileSync("mv", [copy, inside]);
  });
  return directory;
}
