/** This machine. */
export { LocalHost, localHostSchema, type LocalHostArgs } from "./localHost";
