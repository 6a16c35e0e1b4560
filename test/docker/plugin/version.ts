import { version } from "@pulumi/docker/package.json";

/** The double takes the place of this one. */
export const VERSION = version;
