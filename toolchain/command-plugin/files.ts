/** The files of the built plugin. */
export const EXECUTABLE = "pulumi-resource-command";
export const BUNDLE = "plugin.cjs";
export const CODE_CACHE = "plugin.cache";
/** Loaded by the bundle, as `./remote`, once a resource of another host needs it. */
export const REMOTE_BUNDLE = "remote.js";

/** Has the executable write its code cache and end. */
export const WRITE_CODE_CACHE = "--write-code-cache";
