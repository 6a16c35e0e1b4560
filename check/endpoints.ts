/** What a gateway says of its health over HTTP, without a token. */

const HEALTH_TIMEOUT_MS = 2_000;

/** The answer of one of a gateway's endpoints: its JSON body, or why there is none. */
export type Answer = Readonly<Record<string, unknown>> | "refused" | "silent" | "not JSON";

/**
 * What a gateway's own answers say. Only bodies count: OpenClaw answers unknown paths with status 200 as well.
 * Source: /startupz and /readyz of OpenClaw 2026.9.6.
 */
export function judge(startup: Answer, readiness: Answer, version: string | undefined): string {
  if (startup === "refused") return "down";
  if (startup === "silent") return `no answer in ${HEALTH_TIMEOUT_MS / 1000} s`;
  if (startup === "not JSON" || !("ok" in startup)) return "another program answers";
  if (startup["ok"] !== true || startup["status"] !== "started") return "starting";
  if (version !== undefined && startup["version"] !== version) return `wrong version ${String(startup["version"])}`;
  if (typeof readiness === "string") return "up, not ready";
  if (readiness["ready"] === true) return "healthy";
  const failing = Array.isArray(readiness["failing"]) ? readiness["failing"].map(String) : [];
  return failing.length ? `up, not ready: ${failing.join(", ")}` : "up, not ready";
}

async function ask(address: string, path: string): Promise<Answer> {
  try {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    const body = await response.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : "not JSON";
  } catch (error) {
    if (error instanceof SyntaxError) return "not JSON";
    return error instanceof Error && error.name === "TimeoutError" ? "silent" : "refused";
  }
}

/** The health of the gateway on a port of this machine, in words: "healthy", or why not. */
export async function healthAt(port: number, version: string | undefined, host = "127.0.0.1"): Promise<string> {
  const address = `${host}:${port}`;
  const [startup, readiness] = await Promise.all([ask(address, "/startupz"), ask(address, "/readyz")]);
  return judge(startup, readiness, version);
}
