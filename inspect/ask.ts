/** Asks whatever listens on a port of this machine: an answer is bounded in time and size. */
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import type { RequestOptions as TlsOptions } from "node:https";
import { isObject } from "../model/json";

export const ASK_TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;

/** The object in an answer's body, whatever its status, or why there is none. */
export type HttpAnswer = Readonly<Record<string, unknown>> | "refused" | "silent" | "not JSON";

type Question = RequestOptions & { readonly body?: string };

/** Not `fetch`: it takes 30 ms to load, and has no bound. */
export async function answerTo(
  port: number,
  path: string,
  { body = "", ...options }: Question = {},
): Promise<HttpAnswer> {
  try {
    const answer: unknown = JSON.parse(await bodyOf({ host: "127.0.0.1", ...options, port, path }, body));
    return isObject(answer as never) ? (answer as Record<string, unknown>) : "not JSON";
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooLong) return "not JSON";
    return (error as Error).name === "TimeoutError" || (error as Error).name === "AbortError" ? "silent" : "refused";
  }
}

/** The same, for callers that do not care why there is no answer. */
export async function askGateway(
  port: number,
  path: string,
  question?: Question,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const answer = await answerTo(port, path, question);
  return typeof answer === "object" ? answer : undefined;
}

class TooLong extends Error {}

/**
 * A gateway that speaks HTTPS hangs up on HTTP (measured, 2026.9.6). Its certificate says nothing on loopback: whoever wants
 * to know who answers must look who listens.
 */
async function bodyOf(question: RequestOptions, body: string): Promise<string> {
  // One for both: whoever hangs up late must not have twice the time.
  const options = { ...question, signal: AbortSignal.timeout(ASK_TIMEOUT_MS) };
  try {
    return await exchange(request, options, body);
  } catch (error) {
    if (!hasHungUp(error as NodeJS.ErrnoException)) throw error;
    const { request: requestTls } = await import("node:https");
    return exchange<TlsOptions>(requestTls, { ...options, rejectUnauthorized: false }, body);
  }
}

const hasHungUp = ({ code = "" }: NodeJS.ErrnoException): boolean => code === "ECONNRESET" || code.startsWith("HPE_");

type Request<Options> = (options: Options, callback: (response: IncomingMessage) => void) => ClientRequest;

function exchange<Options extends RequestOptions>(
  send: Request<Options>,
  options: Options,
  body: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = send({ ...options, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) asked.destroy(new TooLong());
      });
      response.on("end", () => resolve(text)).on("error", reject);
    });
    asked.on("error", reject).end(body);
  });
}
