/** What a gateway says about its health over HTTP, without a token. */
import { answerTo, ASK_TIMEOUT_MS, type Answer } from "./ask";
import { run } from "./run";
import { gatewayOfWrapper } from "./wrappers";

/**
 * What a gateway's own answers say. Only bodies count: OpenClaw answers unknown paths with status 200 as well.
 * Source: /startupz and /readyz of OpenClaw 2026.9.6.
 */
export function judge(startup: Answer, readiness: Answer, version: string | undefined): string {
  if (startup === "refused") return "down";
  if (startup === "silent") return `no answer in ${ASK_TIMEOUT_MS / 1000} s`;
  if (startup === "not JSON" || !("ok" in startup)) return "another program answers";
  if (startup["ok"] !== true || startup["status"] !== "started") return "starting";
  if (version !== undefined && startup["version"] !== version) return `wrong version ${String(startup["version"])}`;
  if (typeof readiness === "string") return "up, not ready";
  if (readiness["ready"] === true) return "healthy";
  const failing = Array.isArray(readiness["failing"]) ? readiness["failing"].map(String) : [];
  return failing.length ? `up, not ready: ${failing.join(", ")}` : "up, not ready";
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

/**
 * The health of the gateway on a port of this machine, in words: "healthy", or why not. Given its wrapper, who listens
 * is identified first: what another program says there does not count.
 */
export async function healthAt(
  port: number,
  version: string | undefined,
  { host = "127.0.0.1", wrapper }: { readonly host?: string | undefined; readonly wrapper?: string | undefined } = {},
): Promise<string> {
  const holder = await holderOf(wrapper);
  if (holder === "nobody") return "down";
  if (holder !== undefined && !["itself", "unknown"].includes(holder)) return holder + IN_ITS_PLACE;
  const [startup, readiness] = await Promise.all(
    ["/startupz", "/readyz"].map((path) => answerTo(port, path, { host })),
  );
  return judge(startup!, readiness!, version);
}
