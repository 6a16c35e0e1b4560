/** What OpenClaw says in its log about a configuration that was changed while it runs. Pure. */

/** What its log says so far. Source: OpenClaw 2026.9.6, `server-reload-managed` in the package. */
export interface ReloadWords {
  /** It has taken all of it. */
  readonly isApplied: boolean;
  /** It restarts inside its process. */
  readonly isRestarting: boolean;
  /** It waits until it has finished what it is doing. */
  readonly isDeferred: boolean;
  /** Why it did not take it. */
  readonly refused?: string;
}

const LINE = /^\S+ \[reload\] (.+)$/gm;
const REFUSED = [
  /^config reload skipped \((.+)$/,
  /^config reload failed: (.+)$/,
  /^config restart failed: (.+)$/,
  /^config hot reload (failed before commit.+)$/,
  /^gateway (restart preflight failed.+)$/,
];

/** The last word counts: what is written twice within a second is superseded. */
export function readReload(log: string): ReloadWords {
  const said = [...log.matchAll(LINE)].map(([, words]) => words!);
  const last = (pattern: RegExp): number => said.findLastIndex((words) => pattern.test(words));
  const noticed = Math.max(0, last(/^config change detected;/));
  const since = said.slice(noticed);
  const has = (pattern: RegExp): boolean => since.some((words) => pattern.test(words));
  const [refused] = since.flatMap((words) => REFUSED.flatMap((pattern) => pattern.exec(words)?.[1] ?? []));
  return {
    isApplied: has(/^config (hot reload|change) applied \(/),
    isRestarting: has(/^config change requires gateway restart \(/),
    isDeferred: has(/ — deferring until /),
    ...(refused !== undefined && { refused: refused.replace(/\)$/, "").replace("invalid config): ", "") }),
  };
}
