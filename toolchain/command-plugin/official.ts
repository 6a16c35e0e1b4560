/** The plugin whose place this one takes. */
export const VERSION = "1.2.1";

/** Why something is refused that the official plugin knows. */
export const notHere = (what: string): string =>
  `the stand-in for the command plugin has ${what}; install the official one, which has more: ` +
  `pulumi plugin install resource command ${VERSION}`;
