/** Errors of connections in the words of Go's packages, which the official plugin hands on. */
import type { Socket } from "node:net";
import { systemText } from "./goText";

type SshError = NodeJS.ErrnoException & { readonly level?: string };

/** As RFC 4254 numbers them. */
const REJECTIONS = ["", "administratively prohibited", "connect failed", "unknown channel type", "resource shortage"];

/** Why a channel was not opened. */
export function rejection(error: Error & { reason?: number | string }): string {
  if (typeof error.reason !== "number") return "EOF";
  const description = error.message.replace("(SSH) Channel open failure: ", "");
  return `ssh: rejected: ${REJECTIONS[error.reason] ?? `unknown reason ${error.reason}`} (${description})`;
}

export const address = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Why a handshake failed. `offers` are the host key formats of both sides. */
export function handshakeText(
  error: SshError,
  socket: Partial<Socket>,
  offers: readonly (string | undefined)[],
): string {
  if (typeof error.code === "number") return `ssh: disconnect, reason ${error.code as number}: ${error.message}`;
  if (error.level === "client-socket" && error.errno !== undefined) {
    const local = address(socket.localAddress ?? "", socket.localPort ?? 0);
    const remote = address(socket.remoteAddress ?? "", socket.remotePort ?? 0);
    return `read tcp ${local}->${remote}: read: ${systemText(error)}`;
  }
  if (/connection lost before handshake/i.test(error.message)) return "EOF";
  if (/no matching host key format/i.test(error.message)) {
    const [ours, theirs] = offers.map((offer) => `[${(offer ?? "").replaceAll(",", " ")}]`);
    return `ssh: no common algorithm for host key; we offered: ${ours}, peer offered: ${theirs}`;
  }
  return `ssh: ${error.message}`;
}
