import type { Properties } from "./pluginClient";

/** Options, and the lines that the engine is told. */
export const LOGS: readonly (readonly [string, Properties, readonly string[]])[] = [
  ["both outputs", {}, ["out", "err"]],
  ["neither", { logging: "none" }, []],
];
