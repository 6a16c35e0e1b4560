/** Taking a gateway down only while the other one of its pair, or the main gateway beside it, can do its work. */
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../model/failure";
import { pointedAt } from "./generation";
import { isGatewayOn, isHealthy } from "./health";
import { findGateway, mutexPath, type HostGateway } from "./host";
import { PARTNER_GRACE_MS, PARTNER_POLL_MS } from "./limits";
import type { Progress } from "./liveChange";
import { isMutexTaken, takeMutex, type Mutex } from "./mutex";
import { standing } from "./predecessor";
import type { Spec } from "../model/spec";

/** How long a change waits for its partner's deployment. */
const PARTNER_TIMEOUT_MS = 15 * 60_000;

/** One take-down at a time on this host, so that a healthy partner stays healthy. */
export const waitForTurn = (gateway: HostGateway, progress: Progress): Promise<Mutex> =>
  takeMutex(mutexPath(gateway.host, "take-down"), () => progress("waiting for its turn to restart"));

/** Takes the turn to restart at a moment when the partner (or the neighbour), if there is one, is healthy. */
export async function takeTurn(gateway: HostGateway, spec: Spec, progress: Progress): Promise<Mutex> {
  for (const end = Date.now() + PARTNER_TIMEOUT_MS; ;) {
    await requirePartner(gateway, spec, progress);
    await requireNeighbour(spec, progress);
    const turn = await waitForTurn(gateway, progress);
    if ((await hasHealthyPartner(gateway, spec)) && (await hasNeighbour(spec))) return turn;
    turn.release();
    if (Date.now() > end) throw spec.partner === undefined ? neighbourFailure(spec) : partnerFailure(spec.partner);
  }
}

/** Whether the partner, if there is one to protect, is healthy at this moment. */
async function hasHealthyPartner(gateway: HostGateway, { partner: id, force }: Spec): Promise<boolean> {
  if (id === undefined || force) return true;
  const found = findGateway(gateway.host, id);
  if (!found) return true;
  const partner = standing(found);
  const generation = pointedAt(partner, "current");
  return generation !== undefined && (await isHealthy(partner, generation));
}

const partnerFailure = (id: string): Failure =>
  new Failure(
    `the partner gateway ${id} is not healthy, so this healthy gateway was not taken down; nothing was changed`,
    `repair ${id} first (openclaw-${id} gateway status --deep), or set \`force: true\``,
  );

/** A healthy gateway is taken down only while its partner is healthy: waits for that as long as there is hope. */
async function requirePartner(gateway: HostGateway, spec: Spec, progress: Progress): Promise<void> {
  const { partner: id, force } = spec;
  if (id === undefined || force) return;
  const isThere = (): boolean => findGateway(gateway.host, id) !== undefined;
  await waitForPartner(gateway, id, {
    isMet: async () => isThere() && (await hasHealthyPartner(gateway, spec)),
    onWait: () => progress(`waiting for the partner ${id} to become healthy`),
    failure: () => partnerFailure(id),
    // There is none on this host, and none is coming: nothing to protect.
    isVain: () => !isThere(),
  });
}

/** One of a pair stays on the version that is known to be good until the other one is healthy with the next. */
export async function waitForPartnersVersion(gateway: HostGateway, spec: Spec, progress: Progress): Promise<void> {
  const { partner: id, afterPartner, force, version } = spec;
  if (id === undefined || !afterPartner || force) return;
  await waitForPartner(gateway, id, {
    async isMet() {
      const found = findGateway(gateway.host, id);
      const partner = found && standing(found);
      const good = partner && pointedAt(partner, "good");
      return !partner || (good?.spec.version === version && (await isHealthy(partner, good)));
    },
    onWait: () => progress(`waiting for ${id} to be healthy with OpenClaw ${version}`),
    failure: () => versionFailure(gateway.id, id, version),
  });
}

interface Waiting {
  isMet(): Promise<boolean>;
  /** Called once, where it is not met at once. */
  onWait(): void;
  failure(): Failure;
  /** Whether it is no failure that nothing comes of it. */
  isVain?(): boolean;
}

/** Waits while a deployment of the partner is under way, and a little for one to begin. */
async function waitForPartner({ host }: HostGateway, id: string, waiting: Waiting): Promise<void> {
  const started = Date.now();
  for (let idleSince = started, told = false; !(await waiting.isMet()); await sleep(PARTNER_POLL_MS)) {
    if (isMutexTaken(mutexPath(host, `gateway-${id}`))) idleSince = Date.now();
    else if (Date.now() - idleSince > PARTNER_GRACE_MS) {
      if (waiting.isVain?.()) return;
      throw waiting.failure();
    }
    if (Date.now() - started > PARTNER_TIMEOUT_MS) throw waiting.failure();
    if (!told) waiting.onWait();
    told = true;
  }
}

const versionFailure = (own: string, id: string, version: string): Failure =>
  new Failure(
    `${id} is not healthy with OpenClaw ${version}, so ${own} stays on the version that is known to be good; nothing was changed`,
    `repair ${id} first, or give ${own} a \`version\` of its own`,
  );

/** Whether the gateway that no stack owns, if there is one to protect, has started. */
const hasNeighbour = async ({ neighbour, force }: Spec): Promise<boolean> =>
  neighbour === undefined || force === true || (await isGatewayOn(neighbour.port));

const neighbourFailure = ({ neighbour }: Spec): Failure =>
  new Failure(
    `the main gateway on port ${neighbour?.port} does not answer, so this healthy gateway was not taken down; nothing was changed`,
    "start main first, or set `force: true`",
  );

/** The same as for a partner; it may just be restarting. */
async function requireNeighbour(spec: Spec, progress: Progress): Promise<void> {
  const end = Date.now() + PARTNER_GRACE_MS;
  for (let told = false; !(await hasNeighbour(spec)); await sleep(PARTNER_POLL_MS)) {
    if (Date.now() > end) throw neighbourFailure(spec);
    if (!told) progress(`waiting for the main gateway on port ${spec.neighbour?.port} to answer`);
    told = true;
  }
}
