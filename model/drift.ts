/**
 * What is not as the last deployment left it, and words for it. Pure: a host says what it sees, and the deployer puts into its own
 * words what that means.
 */
import { pathsInShort } from "./reload";

/** Found on a host; times in ms since 1970. */
export type Drift =
  /** Keys of the configuration that were changed by hand; none: it cannot be read at all. */
  | { readonly is: "config"; readonly keys: readonly string[] }
  | { readonly is: "gone"; readonly path: string }
  | { readonly is: "edited"; readonly path: string }
  | { readonly is: "access"; readonly path: string; readonly now: string; readonly before: string }
  | { readonly is: "release"; readonly version: string; readonly files: number }
  | { readonly is: "stopped"; readonly rebootedAt?: number | undefined }
  | { readonly is: "gaveUp"; readonly reason: string }
  | { readonly is: "notEnabled"; readonly unit: string }
  | { readonly is: "silent"; readonly port: number }
  | { readonly is: "version"; readonly runs: string }
  /** Another deployment than the last one that was finished: somebody has gone back by hand, say. */
  | { readonly is: "generation"; readonly version: string }
  | { readonly is: "unproved" };

/** Whether a gateway of which this is found does nothing for anybody. */
export const isDown = (is: Drift["is"]): boolean => ["stopped", "gaveUp", "silent"].includes(is);

type Words = { readonly [Is in Drift["is"]]: (drift: Extract<Drift, { readonly is: Is }>) => string };

const WORDS: Words = {
  config: ({ keys }) =>
    keys.length
      ? `${pathsInShort(keys)} ${keys.length > 1 ? `(${keys.length} keys) were` : "was"} changed on the host by hand`
      : "its configuration was made unreadable on the host by hand",
  gone: ({ path }) => `${path} is gone`,
  edited: ({ path }) => `${path} was changed on the host by hand`,
  access: ({ path, now, before }) => `${path} has ${now}, and had ${before}`,
  release: ({ version, files }) => `release ${version} has ${files} changed ${files > 1 ? "files" : "file"}`,
  stopped: ({ rebootedAt }) =>
    `is stopped${rebootedAt === undefined ? "" : ` since the reboot of ${time(rebootedAt)}`}`,
  gaveUp: ({ reason }) => `has stopped for good: ${reason}`,
  notEnabled: ({ unit }) => `${unit} is not enabled: it would not start after a reboot`,
  silent: ({ port }) => `runs, and does not answer on port ${port}`,
  version: ({ runs }) => `answers as OpenClaw ${runs}`,
  generation: ({ version }) => `runs another deployment than the one that was finished last (OpenClaw ${version})`,
  unproved: () => "an earlier change of it was not finished",
};

const time = (at: number): string => new Date(at).toISOString().replace(/T(\d\d:\d\d).*/, " $1 UTC");

const inWords = <Is extends Drift["is"]>(drift: Extract<Drift, { readonly is: Is }>): string => WORDS[drift.is](drift);

/** Longer lists end in a number. */
const SHOWN = 6;

/** In one line, without the gateway's name. */
export function driftInWords(all: readonly Drift[]): string {
  const shown = all.slice(0, SHOWN).map((each) => inWords(each));
  return [...shown, ...(all.length > SHOWN ? [`and ${all.length - SHOWN} more`] : [])].join("; ");
}
