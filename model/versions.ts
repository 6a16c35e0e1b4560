/**
 * The versions of OpenClaw that this release of the package was tested with, oldest first; docs/configuration.md shows them. Each
 * has its packages in locks/ and the schema of its configuration in schemas/. To add one: docs/releasing.md. Pure.
 */
export interface TestedVersion {
  readonly version: string;
  /** For people: what ran with it. */
  readonly tested: string;
}

export const TESTED_VERSIONS: readonly [TestedVersion, ...TestedVersion[]] = [
  { version: "2026.9.6", tested: "real gateways: on this machine, over SSH, in containers" },
];

/** Anything older is refused. */
export const OLDEST_VERSION = TESTED_VERSIONS[0].version;
export const NEWEST_VERSION = TESTED_VERSIONS.at(-1)!.version;

/** What is said of a version that was published since, or was left out; it is accepted. */
export function notTested(version: string): string | undefined {
  const tested = TESTED_VERSIONS.map((each) => each.version);
  if (tested.includes(version)) return undefined;
  return (
    `this release of pulumi-openclaw was not tested with OpenClaw ${version}, only with ${tested.join(", ")}: ` +
    "`config` is checked by OpenClaw itself before it is used, but not in a preview"
  );
}
