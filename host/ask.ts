/** Asking what listens on a port of this machine, whoever that is: an answer is bounded in time and size. */
import { request, type RequestOptions } from "node:http";
import { isObject } from "./json";

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;

/** The object in the answer's body, whatever its status; `undefined` where there is none. Not `fetch`: it takes 30 ms to load. */
export async function ask(
  port: number,
  path: string,
  { body = "", ...options }: RequestOptions & { readonly body?: string } = {},
): Promise<Record<string, unknown> | undefined> {
  try {
    const answer: unknown = JSON.parse(await bodyOf({ ...options, port, path }, body));
    return isObject(answer as never) ? (answer as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function bodyOf(options: RequestOptions, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asked = request({ ...options, host: "127.0.0.1", agent: false, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) asked.destroy(new Error("too long"));
      });
      response.on("end", () => resolve(text)).on("error", reject);
    });
    asked.on("error", reject).end(body);
  });
}
