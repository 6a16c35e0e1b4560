/** Layers that spare a host the download of Node.js, npm and an OpenClaw release: as if they were installed before. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ACCOUNT_HOME } from "../../model/hostLayout";
import { fillOnce } from "../../toolchain/cache";
import { fingerprint } from "../../model/cache";
import { renderBootstrap } from "../../components/targets/bootstrap";
import { ensureSeed, seedGateway, seedTools, VERSION } from "../support/seed";
import { isSoak } from "../support/soak";
import { PLAIN_USER } from "./images";
import { labCache } from "./names";
import { placeStandIn, standInFiles, type Behaviour } from "../standIn/release";

const PLAIN_UID = 1000;
export const SLOW_BOOT_MILLISECONDS = 2_000;

interface Place {
  readonly root: string;
  /** Everything's; default: root. */
  readonly owner?: number;
}
const ROOTS: Place = { root: ACCOUNT_HOME };
const PLAIN_USERS: Place = { root: `/home/${PLAIN_USER}`, owner: PLAIN_UID };

/** With the real OpenClaw, for gateways that root deploys. */
export const openclawLayer = (...gateways: string[]): Promise<string> => layer(ROOTS, gateways, undefined);

/** With what rows need that are about us: the stand-in. */
export const rootLayer = (...gateways: string[]): Promise<string> => layer(ROOTS, gateways, standIn());
export const userLayer = (...gateways: string[]): Promise<string> => layer(PLAIN_USERS, gateways, standIn());
/** One that takes as long to come back as a sampler needs to see it gone. */
export const slowLayer = (...gateways: string[]): Promise<string> =>
  layer(ROOTS, gateways, standIn(SLOW_BOOT_MILLISECONDS));

const standIn = (bootMilliseconds?: number): Behaviour | undefined =>
  isSoak ? undefined : { version: VERSION, ...(bootMilliseconds !== undefined && { bootMilliseconds }) };

async function layer({ root, owner }: Place, gateways: readonly string[], standIn?: Behaviour): Promise<string> {
  ensureSeed();
  const tools =
    renderBootstrap({ root, binDir: root, account: null }).script.match(/nodes\/[\d.]+|npms\/[\d.]+/g) ?? [];
  const release = standIn ? Object.values(standInFiles(standIn)) : [];
  const what = fingerprint([VERSION, ...tools, root, `${owner}`, ...release, ...gateways]);
  const directory = join(labCache(), "layers", what);
  await fillOnce(directory, (temporary) => {
    const inside = join(temporary, root);
    mkdirSync(inside, { recursive: true });
    seedTools(inside);
    for (const id of gateways)
      if (standIn) placeStandIn(inside, id, standIn);
      else seedGateway(inside, id);
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
