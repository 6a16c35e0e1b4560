/** Texts as Go makes them, so that messages are the official plugin's. */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** `%q`. */
export function goQuoted(text: string): string {
  return `"${[...text].map((character) => ESCAPES[character] ?? (isPrintable(character) ? character : escapeCode(character))).join("")}"`;
}

const isPrintable = (character: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character);

function escapeCode(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (digits: number): string => code.toString(16).padStart(digits, "0");
  if (code < 0x80) return `\\x${hex(2)}`;
  return code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

/** How a process ended other than well. */
export const endText = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal ? `signal: ${SIGNALS[signal] ?? `signal ${constants.signals[signal]}`}` : `exit status ${code}`;

/** A system error without Node's prefix: `no such file or directory`. */
export const systemText = (error: NodeJS.ErrnoException): string =>
  error.code === "EISDIR"
    ? "is a directory"
    : (error.errno !== undefined && getSystemErrorMap().get(error.errno)?.[1]) || error.message;
