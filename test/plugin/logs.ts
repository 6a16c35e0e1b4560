import type { Properties } from "./pluginClient";

/** Options, and the lines that the engine is told. */
export const LOGS: readonly (readonly [string, Properties, readonly string[]])[] = [
  ["both outputs", {}, ["out", "err"]],
  ["both outputs, if told so", { logging: "stdoutAndStderr" }, ["out", "err"]],
  ["stdout only", { logging: "stdout" }, ["out"]],
  ["stderr only", { logging: "stderr" }, ["err"]],
  ["neither", { logging: "none" }, []],
  ["neither, with a mode that does not exist", { logging: "loud" }, []],
];
