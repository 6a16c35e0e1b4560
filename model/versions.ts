/**
 * The versions of OpenClaw that this release of the package was tested with, oldest first; docs/configuration.md shows them. Each
 * has its packages in locks/ and the schema of its configuration in schemas/. To add one: docs/releasing.md. Pure.
 */
import gte from "semver/functions/gte";

export interface TestedVersion {
  readonly version: string;
  /** For people: what ran with it. */
  readonly tested: string;
}

export const TESTED_VERSIONS: readonly [TestedVersion, ...TestedVersion[]] = [
  { version: "2026.8.2", tested: "real gateways on this machine: upgraded from, gone back to" },
  { version: "2026.9.6", tested: "real gateways: on this machine, over SSH, in containers" },
];

/** Anything older is refused: it answers /startupz, which tells its version, with a page for people. Source: measured, 2026.7.35. */
export const OLDEST_VERSION = TESTED_VERSIONS[0].version;
export const NEWEST_VERSION = TESTED_VERSIONS.at(-1)!.version;

/** A hot fix, e.g. 2026.9.6-1, is newer than what it fixes; any other suffix is older. Source: openclaw's releases on npm. */
const released = (version: string): string => version.replace(/-\d+$/, "");

/** Whether a version is another one, or was released after it; both are exact. */
export const isAtLeast = (version: string, other: string): boolean => gte(released(version), released(other));

/** What is said of a version that was published since, or was left out; it is accepted. */
export function notTested(version: string): string | undefined {
  const tested = TESTED_VERSIONS.map((each) => each.version);
  if (tested.includes(version)) return undefined;
  return (
    `this release of pulumi-openclaw was not tested with OpenClaw ${version}, only with ${tested.join(", ")}: ` +
    "`config` is checked by OpenClaw itself before it is used, but not in a preview"
  );
}
