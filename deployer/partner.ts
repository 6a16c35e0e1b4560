/**
 * A pair on two targets: a healthy gateway is not taken down unless its partner over there is healthy. Only the deployer
 * can reach both. On one host, the host program takes care of it.
 */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../model/failure";
import { say } from "./archives";
import { dockerCommand, execInContainer } from "../model/containerLayout";
import { PARTNER } from "./patience";
import { RemoteHost } from "../ssh/remoteHost";
import type { OnHost, PartnerRequest, GatewayLocation } from "../model/requests";

const PREPARE_SECONDS = 15 * 60;

export async function requirePartnerElsewhere(
  { gateway, partner }: PartnerRequest,
  { graceMs, pollMs } = PARTNER,
): Promise<string> {
  // The slow part comes before the question, so that little time passes between the answer and the restart.
  const before = await prepare(gateway);
  const answer = before === "healthy" ? await untilHealthy(partner, graceMs, pollMs) : undefined;
  if ("engine" in gateway) await (await import("./docker")).clearUnfinished(gateway);
  return answer ?? `${gateway.id} is ${before}: nothing to protect`;
}

async function untilHealthy(partner: GatewayLocation, graceMs: number, pollMs: number): Promise<string> {
  for (let end = Date.now() + graceMs, told = false; ; await sleep(pollMs)) {
    const found = await health(partner).catch((error: unknown) => messageOf(error));
    if (found === "healthy") return `${partner.id} is healthy`;
    if (found === "absent") return `there is no gateway ${partner.id} yet: nothing to protect`;
    if (Date.now() > end) throw notHealthy(partner, found.split("\n")[0]!);
    if (!told) say(`waiting for the partner ${partner.id} to become healthy`);
    told = true;
  }
}

function notHealthy(partner: GatewayLocation, answer: string): Failure {
  const { id } = partner;
  const command =
    "engine" in partner ? execInContainer(dockerCommand(partner.engine.host), partner.container) : `openclaw-${id}`;
  return new Failure(
    `the partner gateway ${id} ${placeOf(partner)} is not healthy (${answer}), so this healthy gateway was not taken down; ` +
      "nothing was changed",
    `repair ${id} first (${command} gateway status --deep), or set \`force: true\``,
  );
}

function placeOf(gateway: GatewayLocation): string {
  if ("engine" in gateway) return `in the container ${gateway.container}`;
  return gateway.connection ? `on ${gateway.connection.host}` : "on this machine";
}

/** Whether a gateway is healthy, once everything that its change needs is on its host. */
const prepare = (gateway: PartnerRequest["gateway"]): Promise<string> =>
  "engine" in gateway
    ? health(gateway)
    : askHost(
        gateway,
        PREPARE_SECONDS,
        "prepare",
        gateway.id,
        gateway.version,
        ...(gateway.lock === undefined ? [] : [gateway.lock]),
      );

async function health(gateway: GatewayLocation): Promise<string> {
  if (!("engine" in gateway)) return askHost(gateway, 60, "health", gateway.id);
  const { healthIn } = await import("./docker");
  return healthIn(gateway);
}

const RUN = 'if [ -x "$1" ]; then exec "$@"; else echo absent; fi';

/** What a verb of the host program says about a gateway: healthy, unhealthy, or absent. */
async function askHost(
  { connection, sudo = false, program }: OnHost,
  seconds: number,
  ...words: readonly string[]
): Promise<string> {
  if (!connection) return here(program, words, seconds);
  const host = await RemoteHost.open(connection, sudo, say);
  try {
    return (await host.follow(seconds, RUN, program, ...words)).trim();
  } finally {
    host.close();
  }
}

/** The answer is one word. */
const MOST_SAID = 4_096;

function here(program: string, words: readonly string[], seconds: number): Promise<string> {
  const child = spawn("/bin/sh", ["-c", RUN, "sh", program, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: seconds * 1000,
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.length <= MOST_SAID) return;
    child.kill("SIGKILL");
    child.stdout.destroy(); // what it has started may keep running
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(stdout.trim()) : reject(new Failure(`${program} ${words.join(" ")} failed (${code})`)),
    );
  });
}
