/** What a gateway says about its health over HTTP, without a token. */
import { answerTo, ASK_TIMEOUT_MS, type HttpAnswer } from "./ask";
import { run } from "./run";
import { gatewayOfWrapper } from "./wrappers";
import { defined } from "../model/defined";

/** The object in a body. Only bodies count: OpenClaw answers unknown paths with status 200 as well. */
type Body = Readonly<Record<string, unknown>>;

/** What /startupz says of a gateway that has started. Source: OpenClaw 2026.9.6. */
export const isStarted = (startup: Body | undefined): boolean =>
  startup?.["ok"] === true && startup["status"] === "started";

/** What /readyz says of one whose channels are connected. Source: OpenClaw 2026.9.6. */
export const isReady = (readiness: Body | undefined): boolean => readiness?.["ready"] === true;

/** What /readyz calls the parts that are not ready. */
export const failingParts = (readiness: Body | undefined): string[] =>
  Array.isArray(readiness?.["failing"]) ? readiness["failing"].map(String) : [];

/** Health in words: "healthy", or why not. */
export function judge(startup: HttpAnswer, readiness: HttpAnswer, version: string | undefined): string {
  if (startup === "refused") return "down";
  if (startup === "silent") return `no answer in ${ASK_TIMEOUT_MS / 1000} s`;
  if (startup === "not JSON" || !("ok" in startup)) return "another program answers";
  if (!isStarted(startup)) return "starting";
  if (version !== undefined && startup["version"] !== version) return `wrong version ${String(startup["version"])}`;
  const body = typeof readiness === "string" ? undefined : readiness;
  if (isReady(body)) return "healthy";
  return ["up, not ready", failingParts(body).join(", ")].filter((part) => part !== "").join(": ");
}

const IN_ITS_PLACE = " listens in its place";
export const isImpostors = (health: string): boolean => health.endsWith(IN_ITS_PLACE);

const HOLDER_TIMEOUT_MS = 10_000;

/** Who holds the port of a gateway that our host program runs on this machine. */
async function holderOf(wrapper: string | undefined): Promise<string | undefined> {
  const found = wrapper === undefined ? undefined : gatewayOfWrapper(wrapper);
  if (!found) return undefined;
  const options = { env: {}, timeoutMs: HOLDER_TIMEOUT_MS };
  const { code, stdout } = await run(found.program, ["holder", found.id], options).catch(() => ({
    code: 1,
    stdout: "",
  }));
  return code === 0 ? stdout.trim() : undefined;
}

/** A gateway whose health is asked for, on this machine. */
export interface GatewayToAsk {
  readonly port: number;
  readonly version?: string | undefined;
  readonly host?: string | undefined;
  readonly wrapper?: string | undefined;
  /** There it tells its version only to those with its token. */
  readonly isContainer?: boolean;
}

/** The gateway's health in words. Given its wrapper, who listens is identified first: what another program says does not count. */
export async function gatewayHealth({ port, version, host, wrapper, isContainer }: GatewayToAsk): Promise<string> {
  const holder = await holderOf(wrapper);
  if (holder === "nobody") return "down";
  if (holder !== undefined && !["itself", "unknown"].includes(holder)) return holder + IN_ITS_PLACE;
  const [startup, readiness] = await Promise.all(
    ["/startupz", "/readyz"].map((path) => answerTo(port, path, defined({ host }))),
  );
  return judge(startup!, readiness!, isContainer ? undefined : version);
}
