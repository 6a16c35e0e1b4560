/** Operations on one gateway in a container. */
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { defined } from "../../model/defined";
import { Failure, messageOf } from "../../model/failure";
import { pluginChannels, withoutChannelPlugins } from "../../model/plugins";
import { valueAt } from "../../model/json";
import type { JsonObject } from "../../model/spec";
import {
  BOT_TOKEN_VARIABLE,
  BY_PROXY,
  GATEWAY_PASSWORD_VARIABLE,
  GATEWAY_TOKEN_VARIABLE,
  tokenVariable,
} from "../../model/secrets";
import { say } from "../archives";
import { ANSWER_MS, HEALTH_MS, POLL_MS } from "../patience";
import type { CheckRequest, ContainerClaim, HealthRequest, InContainer, StageRequest } from "../../model/requests";
import { tellChannels } from "./channels";
import { connect } from "./engine";
import { runIn } from "./runIn";
import { rehearsedMounts, tryMounts } from "./tryMounts";
import { envFile, filesVolume, giveToUser } from "./volumes";
import {
  containerCommand,
  CONTAINER_PATHS,
  CONTAINER_PORT,
  ENVIRONMENT,
  namesOf,
  secretFile,
  STOP_SECONDS,
  TMPFS,
  USER,
  WORKING_DIRECTORY,
} from "../../model/containerLayout";
import {
  containerOf,
  isFinished,
  labelsOf,
  meet,
  missingThings,
  publishedPorts,
  release,
  removeContainer,
  removeFiles,
  removeHelpers,
  requireFree,
} from "./inventory";

/** A gateway that exited on its own this often will not come up. */
const MAX_EXITS = 2;
const LOG_LINES = 20;
const MEBIBYTE = 1024 * 1024;
/** Secrets that every configuration refers to, each in a file of its own. */
const REFERRED: readonly string[] = [GATEWAY_TOKEN_VARIABLE, GATEWAY_PASSWORD_VARIABLE, BOT_TOKEN_VARIABLE];

/** Throws what prevents the gateway; touches nothing. */
export async function claim(claim: ContainerClaim): Promise<string> {
  await requireFree(await connect(claim.engine), claim);
  return "free, or ours";
}

export async function leave(claim: ContainerClaim): Promise<string> {
  await release(await connect(claim.engine), claim);
  return "removed";
}

/** Puts the secrets on a new volume and returns its name. */
export async function stage(request: StageRequest): Promise<string> {
  const { claim, image, env, telegram } = request;
  const api = await connect(claim.engine);
  await removeHelpers(api, claim);
  await requireThings(api, claim);
  const { state, workspace } = namesOf(claim.container);
  for (const volume of [state, workspace]) await giveToUser(api, claim, volume, image);
  const referred = [...REFERRED, ...(request.files ?? [])];
  const isReferred = ([name]: [string, string]): boolean => referred.includes(name);
  const variables = Object.entries(env);
  await requireOwnNames(
    api,
    image,
    variables.filter((each) => !isReferred(each)).map(([name]) => name),
  );
  const files = {
    env: envFile(variables.filter((each) => !isReferred(each))),
    ...Object.fromEntries(variables.filter(isReferred)),
  };
  return filesVolume(api, { claim, role: "secrets", image, files, use: {} }, async (volume) => {
    if (telegram !== undefined) await tryBot(api, request, telegram, volume);
  });
}

/**
 * Before a container is created or recreated: everything it needs is there, and if a healthy gateway is at stake, the new
 * one has shown beside it that it starts. Returns the name of a new volume with its configuration.
 */
export async function checkImage(request: CheckRequest): Promise<string> {
  const { claim, config, version, image, maxOldSpaceSize } = request;
  const api = await connect(claim.engine);
  await removeHelpers(api, claim);
  await requireFree(api, claim);
  await requireThings(api, claim, request.secrets);
  const files = {
    "openclaw.json": JSON.stringify(config, null, 2),
    "health.mjs": healthScript(version, config),
    // Only where it differs: another file is another container.
    ...(hasChannelPlugins(config) && { [REHEARSED]: JSON.stringify(withoutChannelPlugins(config), null, 2) }),
  };
  const use = defined({
    publish: claim.publish,
    limits: request.limits,
    secrets: request.secrets,
    around: claim.around,
    maxOldSpaceSize,
  });
  return filesVolume(api, { claim, role: "config", image, files, use }, async (volume) => {
    await tryMounts(api, claim, image);
    await tryPorts(api, request);
    if ((await containerHealth(api, claim.container)) === "healthy") await rehearse(api, request, volume);
    if (request.isAlone) await clear(api, claim.container);
  });
}

async function requireThings(api: Docker, claim: ContainerClaim, ...files: string[]): Promise<void> {
  const [missing] = await missingThings(api, claim, ...files);
  if (!missing) return;
  const what = `${missing.kind} ${missing.name}`;
  throw new Failure(
    `the ${what} is gone from the engine; nothing was changed`,
    "run pulumi up --refresh to recreate it; restore what was on a volume from a backup",
  );
}

type PortMap = Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;

/** In the end only the engine can say whether a port is free; Docker would notice after removing the old container. */
async function tryPorts(api: Docker, { claim, image }: CheckRequest): Promise<void> {
  const { address } = claim.publish;
  const own = await containerOf(api, claim);
  // One that exits again and again publishes its ports only while it runs, and takes them again at any moment.
  const published = own?.State.Running || own?.State.Restarting ? (own.HostConfig.PortBindings as PortMap) : {};
  const ours = Object.values(published)
    .flatMap((bindings) => bindings ?? [])
    .filter(({ HostIp }) => meet(HostIp, address))
    .map(({ HostPort }) => Number(HostPort));
  const wanted = publishedPorts(claim).filter((port) => !ours.includes(port));
  if (!wanted.length) return;
  const helper = await api.createContainer({
    Image: image,
    Cmd: ["node", "--version"],
    Labels: labelsOf(claim, "helper"),
    ExposedPorts: Object.fromEntries(wanted.map((port) => [`${port}/tcp`, {}])),
    HostConfig: {
      NetworkMode: namesOf(claim.container).network,
      PortBindings: Object.fromEntries(
        wanted.map((port) => [`${port}/tcp`, [{ HostIp: address, HostPort: `${port}` }]]),
      ),
    },
  });
  try {
    await helper.start();
  } catch (error) {
    throw new Failure(
      `${claim.owner.gateway} cannot publish ${wanted.length > 1 ? "ports" : "port"} ${wanted.join(" and ")} on ${address}; nothing was changed: ` +
        `${messageOf(error)}`,
      "use another base port, or stop what uses it",
    );
  } finally {
    await removeContainer(api, helper.id);
  }
}

/** A variable of the image would override one from the file. */
async function requireOwnNames(api: Docker, image: string, names: readonly string[]): Promise<void> {
  const { Config } = await api.getImage(image).inspect();
  const taken = [...(Config.Env ?? []).map((line) => line.split("=")[0]!), ...Object.keys(ENVIRONMENT)];
  const variables = names.filter((name) => taken.includes(name));
  if (variables.length)
    throw new Failure(
      `env cannot set ${variables.join(", ")}: already set in the container; nothing was changed`,
      "leave out what is named",
    );
}

/** Whether Telegram knows the bot; if nobody answers, that is left to the gateway. */
async function tryBot(api: Docker, { claim, image }: StageRequest, apiRoot: string, secrets: string): Promise<void> {
  const helper = await api.createContainer({
    Image: image,
    Cmd: ["node", "--input-type=module", "--eval", ASK_TELEGRAM, apiRoot],
    User: `${USER}:${USER}`,
    Labels: labelsOf(claim, "helper"),
    HostConfig: {
      NetworkMode: namesOf(claim.container).network,
      Mounts: [mountOf(secrets, CONTAINER_PATHS.secrets)],
    },
  });
  try {
    await helper.start();
    const { StatusCode } = (await helper.wait()) as { StatusCode: number };
    if (StatusCode !== BOT_REFUSED) return;
    throw new Failure(
      `Telegram does not know the bot of ${claim.owner.gateway}: its token is wrong; nothing was changed`,
      "get the right token from @BotFather, or leave telegram out",
    );
  } finally {
    await removeContainer(api, helper.id);
  }
}

const BOT_REFUSED = 3;
/** Prints nothing, whatever happens: the address contains the token. */
const ASK_TELEGRAM = `import { readFileSync } from "node:fs";
const token = readFileSync("${secretFile(BOT_TOKEN_VARIABLE)}", "utf8");
const answer = await fetch(process.argv[1] + "/bot" + token + "/getMe", { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
process.exit([401, 404].includes(answer?.status) ? ${BOT_REFUSED} : 0);
`;

/** The configuration of a rehearsal, beside the other one. */
const REHEARSED = "rehearsal.json";
const hasChannelPlugins = (config: JsonObject): boolean => pluginChannels(config).length > 0;

/** A run of the new one beside the old one: without network, with a state of its own that is thrown away, and no plugin. */
async function rehearse(api: Docker, request: CheckRequest, volume: string): Promise<void> {
  const { claim, config, image, secrets, limits } = request;
  const environment = hasChannelPlugins(config)
    ? { ...ENVIRONMENT, OPENCLAW_CONFIG_PATH: `${CONTAINER_PATHS.config}/${REHEARSED}` }
    : ENVIRONMENT;
  say(`trying out the new gateway beside the old one`);
  const rehearsal = await api.createContainer({
    Image: image,
    Cmd: containerCommand(volume, limits, request),
    User: `${USER}:${USER}`,
    WorkingDir: WORKING_DIRECTORY,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(claim, "helper"),
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      Init: true,
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Memory: limits.memoryMiB * MEBIBYTE,
      PidsLimit: limits.pids,
      NanoCpus: limits.cpus * 1e9,
      Tmpfs: { ...TMPFS, [CONTAINER_PATHS.state]: `uid=${USER},gid=${USER},mode=0700` },
      Mounts: [
        mountOf(volume, CONTAINER_PATHS.config),
        mountOf(secrets, CONTAINER_PATHS.secrets),
        ...rehearsedMounts(claim),
      ],
    },
  });
  try {
    await rehearsal.start();
    await untilHealthy(api, rehearsal.id);
  } catch (error) {
    throw new Failure(
      `the new gateway ${claim.owner.gateway} does not start, so the old one was left as it was: ${messageOf(error)}`,
    );
  } finally {
    await removeContainer(api, rehearsal.id);
  }
}

const mountOf = (source: string, target: string) => ({
  Type: "volume" as const,
  Source: source,
  Target: target,
  ReadOnly: true,
});

const isTls = (config: JsonObject): boolean => valueAt(config, "gateway.tls.enabled") === true;
const tokenFile = (config: JsonObject): string =>
  secretFile(tokenVariable(valueAt(config, "gateway.auth.mode") === BY_PROXY));

/** A certificate of its own is not known to anybody. Node.js warns of that, where the reason should be. */
const ANY_CERTIFICATE = `process.env.NODE_TLS_REJECT_UNAUTHORIZED = 0;
process.removeAllListeners("warning");
`;

/** The answer's body is read: our token is known there, and the version is the right one. */
const healthScript = (version: string, config: JsonObject): string => `import { readFileSync } from "node:fs";
${isTls(config) ? ANY_CERTIFICATE : ""}const token = readFileSync("${tokenFile(config)}", "utf8");
const answer = await fetch("${isTls(config) ? "https" : "http"}://127.0.0.1:${CONTAINER_PORT}/startupz", {
  headers: { authorization: \`Bearer \${token}\` },
  signal: AbortSignal.timeout(5000),
}).then((response) => response.json());
if (answer.ok !== true || answer.status !== "started" || answer.version !== ${JSON.stringify(version)}) {
  console.error(\`it answers \${JSON.stringify(answer)}, and should be version ${version}\`);
  process.exit(1);
}
`;

/** Waits until the gateway in the container just created is healthy; then removes what the previous one had. */
export async function health({ claim, limits, volumes }: HealthRequest): Promise<string> {
  const api = await connect(claim.engine);
  try {
    await untilHealthy(api, claim.container);
  } catch (error) {
    throw new Failure(`gateway ${claim.owner.gateway} is not healthy: ${messageOf(error)}`);
  }
  await api.getContainer(claim.container).update({ PidsLimit: limits.pids });
  await removeFiles(api, claim, volumes);
  await tellChannels(api, claim.container);
  return "healthy";
}

async function untilHealthy(api: Docker, container: string): Promise<void> {
  for (const end = Date.now() + HEALTH_MS; ; await sleep(POLL_MS)) {
    const seen = await containerOf(api, { container });
    if (!seen) throw new Failure("its container is gone", "run pulumi up --refresh to recreate it");
    const { Running, Restarting, ExitCode, OOMKilled } = seen.State;
    if (seen.RestartCount >= MAX_EXITS || (!Running && !Restarting))
      throw new Failure(
        `it exited on its own (${OOMKilled ? "out of memory" : ExitCode})${await lastLines(api, container)}`,
      );
    const problem = Running ? await healthProblem(api, container) : "it is restarting";
    if (problem === undefined) return;
    if (Date.now() > end)
      throw new Failure(`timed out after ${HEALTH_MS / 1000} s: ${problem}${await lastLines(api, container)}`);
  }
}

async function lastLines(api: Docker, container: string): Promise<string> {
  const log = await api
    .getContainer(container)
    .logs({ stdout: true, stderr: true, tail: LOG_LINES })
    .catch(() => Buffer.alloc(0));
  const lines = withoutFrames(log).trimEnd();
  return lines ? `\nIts last lines:\n${lines.replace(/^/gm, "  ")}` : "; it printed nothing";
}

/** Docker puts 8 bytes before each piece of a log: which stream it is from, and its length. */
function withoutFrames(log: Buffer): string {
  let said = "";
  for (let at = 0; at + 8 <= log.length;) {
    const length = log.readUInt32BE(at + 4);
    said += log.subarray(at + 8, at + 8 + length).toString();
    at += 8 + length;
  }
  return said;
}

/** What is wrong with a running gateway; `undefined` if it is healthy. */
async function healthProblem(api: Docker, container: string): Promise<string | undefined> {
  try {
    const { code, said } = await runIn(api, container, ["node", CONTAINER_PATHS.health]);
    return code === 0
      ? undefined
      : (said
          .trim()
          .split("\n")
          .find((line) => /\w/.test(line)) ?? "it does not answer");
  } catch (error) {
    return messageOf(error);
  }
}

/** In the words of the host program. */
async function containerHealth(api: Docker, container: string): Promise<"healthy" | "unhealthy" | "absent"> {
  for (const end = Date.now() + ANSWER_MS; ; await sleep(POLL_MS)) {
    const seen = await containerOf(api, { container });
    if (!seen) return "absent";
    if (!seen.State.Running || seen.State.Paused) return "unhealthy";
    if ((await healthProblem(api, container)) === undefined) return "healthy";
    // One that was never healthy is not worth waiting for.
    if (Date.now() > end || !isFinished(seen)) return "unhealthy";
  }
}

export async function healthIn({ engine, container }: Pick<InContainer, "engine" | "container">): Promise<string> {
  return containerHealth(await connect(engine), container);
}

/** What an unfinished `up` left behind: it may not be in any stack's state, and would be in the way. */
async function clear(api: Docker, container: string): Promise<void> {
  const seen = await containerOf(api, { container });
  if (!seen || isFinished(seen)) return;
  // What does not stop is removed anyway.
  await api
    .getContainer(container)
    .stop({ t: STOP_SECONDS })
    .catch(() => undefined);
  await removeContainer(api, container);
}

export async function clearUnfinished({ engine, container }: Pick<InContainer, "engine" | "container">): Promise<void> {
  await clear(await connect(engine), container);
}
